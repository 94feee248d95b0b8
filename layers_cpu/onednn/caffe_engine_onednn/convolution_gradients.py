"""The gradients of convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from caffe_core.blob import Blob
from caffe_engine_onednn.constants import Arg, Query
from caffe_engine_onednn.gradients import copied, reordered
from caffe_engine_onednn.kernel import Run
from caffe_engine_onednn.memory import (
    any_layout,
    data_memory,
    dense,
    diff_memory,
    new_memory,
    of_blob,
)
from caffe_engine_onednn.primitive import Attributes
from caffe_engine_onednn.weights import packed

if TYPE_CHECKING:
    from caffe_engine_onednn.convolution import ConvolutionKernel


def weight_gradients(
    kernel: ConvolutionKernel, top: Sequence[Blob], bottom: Sequence[Blob]
) -> list[Run]:
    """Return the calls that add to the diffs of weight and bias."""
    recipe = kernel.recipe(
        f"{kernel.kind}_backward_weights",
        kernel.algorithm,
        of_blob(bottom[0]),
        any_layout(kernel.weight.shape),
        kernel.bias,
        of_blob(top[0]),
        *kernel.geometry,
        kernel.forward_recipe,
        Attributes(),
    )
    gradient = new_memory(recipe.wanted(Query.DIFF_WEIGHTS))
    memories = {Arg.DIFF_WEIGHTS: gradient}
    runs: list[Run] = []
    adds: list[Run] = []
    wanted = kernel.layer.param_propagate_down
    if wanted[0]:
        plain = diff_memory(kernel.blobs[0], kernel.weight)
        adds.append(reordered(kernel, gradient, plain, kernel.blobs[0].diff_tensor))
    if len(kernel.blobs) > 1:
        bias = new_memory(dense(kernel.blobs[1].shape))
        memories[Arg.DIFF_BIAS] = bias
        if wanted[1]:
            adds.append(copied(bias, kernel.blobs[1].diff_tensor))
    for below, above in zip(bottom, top, strict=True):
        memories |= {Arg.SRC: data_memory(below), Arg.DIFF_DST: diff_memory(above)}
        runs += [kernel.primitive(recipe, memories), *adds]
    return runs


def bottom_gradients(
    kernel: ConvolutionKernel,
    top: Sequence[Blob],
    propagate_down: Sequence[bool],
    bottom: Sequence[Blob],
) -> list[Run]:
    """Return the calls that write the diff of each bottom that wants it."""
    recipe = kernel.recipe(
        f"{kernel.kind}_backward_data",
        kernel.algorithm,
        of_blob(bottom[0]),
        any_layout(kernel.weight.shape, kernel.type),
        of_blob(top[0]),
        *kernel.geometry,
        kernel.forward_recipe,
        Attributes(),
    )
    wanted = recipe.wanted(Query.WEIGHTS)
    memory, runs = packed(kernel, kernel.blobs[0], kernel.weight, wanted)
    for above, down, below in zip(top, propagate_down, bottom, strict=True):
        if down:
            memories = {
                Arg.DIFF_DST: diff_memory(above),
                Arg.WEIGHTS: memory,
                Arg.DIFF_SRC: diff_memory(below),
            }
            runs.append(kernel.primitive(recipe, memories))
    return runs
