"""Rivalry: whether cuDNN is faster than the kernel that is there without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from caffe_core.blob import Blob, MemoryFormat
from caffe_core.kernel import Kernel
from caffe_core.layer import Layer, Phase
from caffe_engine_cudnn.library import Library
from caffe_engine_cudnn.plan import fastest

_DEFAULT = 0  # of every field `engine`
_LEAST_AXES = 3  # of what has a memory format


def is_faster(
    library: Library,
    kernels: Sequence[type[Kernel]],
    layer: Layer,
    bottom: Sequence[Blob],
    top: Sequence[Blob],
    memory_format: MemoryFormat,
) -> bool:
    """Return whether the first of two kernels is faster than the second for a layer.

    Both run on blobs made for it, so that nothing of the layer changes.

    Args:
        library: CuDNN on a GPU. If it measures nothing, the first is taken to be.
        kernels: Two classes.
        layer: The layer.
        bottom: Its bottoms; their shapes count.
        top: Its tops, likewise.
        memory_format: The one to try, where a blob may have it.
    """
    if not library.measures:
        return True
    device = bottom[0].device

    def scratch(blob: Blob) -> Blob:
        made = Blob(blob.shape, blob.dtype)
        if len(blob.shape) >= _LEAST_AXES:
            made.format = memory_format
        return made.on(device)

    below, above, learned = (list(map(scratch, blobs)) for blobs in (bottom, top, layer.blobs))
    ways = {each: _run(each(layer, device), below, above, learned) for each in kernels}
    return fastest(library, ways) is kernels[0]


def is_asked_for(layer: Layer) -> bool:
    """Return whether a layer's own field ``engine`` says which kernel it is to have."""
    messages = (message for _, message in layer.param.ListFields())
    return any(getattr(each, "engine", _DEFAULT) != _DEFAULT for each in messages)


def _run(
    kernel: Kernel, bottom: list[Blob], top: list[Blob], learned: list[Blob]
) -> Callable[[], None]:
    """What runs a kernel forward and, if it is to be trained, backward."""
    kernel.blobs = learned
    kernel.need_backward = kernel.layer.phase is Phase.TRAIN
    kernel.prepare(bottom, top)

    def run() -> None:
        kernel.forward(bottom, top)
        if kernel.need_backward:
            kernel.backward(top, [True] * len(bottom), bottom)

    return run
