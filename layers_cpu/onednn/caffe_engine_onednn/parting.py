"""Parting a normalisation from the Scale that it absorbed, after a forward pass of both."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import c_float
from typing import Any

import numpy as np

from caffe_engine_onednn.constants import Arg, Prop
from caffe_engine_onednn.kernel import OnednnKernel
from caffe_engine_onednn.memory import Memory, dense, new_memory
from caffe_engine_onednn.primitive import Attributes
from caffe_engine_onednn.weights import reorder

GLOBAL_STATISTICS = 1


def leave_bottom(
    kernel: OnednnKernel, scale: Any, memories: Mapping[int, Memory], epsilon: float
) -> None:
    """Let the kernel of a Scale in place keep the bottom that it has not seen, if it needs that.

    Args:
        kernel: The normalisation.
        scale: The Scale's.
        memories: What was normalised, and the statistics by which.
        epsilon: Added to the variance.
    """
    if scale.kept is None:
        return
    described = memories[Arg.SRC].descriptor
    recipe = kernel.recipe(
        "batch_normalization_forward",
        Prop.INFERENCE,
        described,
        described,
        c_float(epsilon),
        GLOBAL_STATISTICS,
        Attributes(),
    )
    normalised, plain = new_memory(described), new_memory(dense(described.shape))
    kernel.primitive(recipe, {**memories, Arg.DST: normalised})()
    reorder(kernel, "the bottom of the Scale is computed anew", normalised, plain)()
    scale.kept[...] = plain.array.view(np.float32).reshape(described.shape)
