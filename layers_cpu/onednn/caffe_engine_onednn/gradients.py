"""Gradients of learned blobs: added to what is there, or written where that is zero."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from caffe_core.tensor import Tensor
from caffe_engine_onednn.kernel import OnednnKernel, Run
from caffe_engine_onednn.memory import Memory
from caffe_engine_onednn.primitive import Attributes
from caffe_engine_onednn.weights import reorder


class Gradient:
    """A call that brings a gradient into a diff.

    Args:
        tensor: The diff.
        make: Gives the call that does so with these attributes, which either add or overwrite.
    """

    def __init__(self, tensor: Tensor, make: Callable[[Attributes], Run]):
        self._tensor = tensor
        self._add, self._write = make(Attributes(accumulate=True)), make(Attributes())

    def __call__(self) -> None:
        """Add it, or write it where there are only zeros: that spares reading and clearing them."""
        if self._tensor.is_clear:
            self._tensor.overwrite()
            self._write()
        else:
            self._tensor.modify()
            self._add()


def reordered(kernel: OnednnKernel, source: Memory, target: Memory, tensor: Tensor) -> Run:
    """Return the call that brings a gradient into a diff of another layout."""
    what = "the gradient of a learned blob is unpacked"
    return Gradient(tensor, lambda attributes: reorder(kernel, what, source, target, attributes))


def copied(source: Memory, tensor: Tensor) -> Run:
    """Return the call that brings a gradient into a diff of the same layout; for small ones."""
    gradient = source.array.view(np.float32)

    def run() -> None:
        if tensor.is_clear:
            tensor.overwrite()[: len(gradient)] = gradient
        else:
            diff = tensor.modify()[: len(gradient)]
            np.add(diff, gradient, out=diff)

    return run
