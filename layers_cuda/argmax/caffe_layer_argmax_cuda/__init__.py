"""The CUDA kernel of ArgMax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_layer_argmax import ArgMax

from caffe_core.blob import ANY_FORMAT, CHANNELS_LAST, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import around
from caffe_core.cuda.source import Source

_WARP = 32
_THREADS = 256
_SHORT = 512  # a row that one warp looks through fastest


class ArgMaxKernel(CudaKernel):
    """ArgMax by as many searches as there are places to find, each for what comes next in order.

    Neighbours in memory are compared by a block; values that lie apart, such as the classes of each
    pixel, by a thread for each place that has them.
    """

    formats = ANY_FORMAT
    source = Source.beside(__file__, "argmax.cu")
    layer: ArgMax

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """See where the values lie, and where the results go."""
        layer, (below,), (above,) = self.layer, bottom, top
        if layer.axis is None:
            item, which, place = _strides(above)[:3]
            length, inner, values_at = below.span(1), 1, which if layer.values else -1
            numbers_at = 0
            last = below.format is CHANNELS_LAST and len(below.shape) > 2
            channels = below.shape[1] if last else 1
        else:
            (_, inner), length, channels = around(below, layer.axis), below.shape[layer.axis], 1
            item, place = layer.top_k * inner, inner
            numbers_at, values_at = (-1, 0) if layer.values else (0, -1)
        self.rows, self.inner, self.length = below.count // max(length, 1), inner, length
        self.search = self.ints(
            length, inner, channels, layer.top_k, item, place, numbers_at, values_at
        )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        x, y = bottom[0].read(), top[0].overwrite()
        if self.inner > 1:
            self.function("search_columns")(self.rows, x, y, self.search)
        else:
            threads = _WARP if self.length <= _SHORT else _THREADS
            self.function("search_rows").blocks(self.rows, x, y, self.search, threads=threads)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Refuse."""
        self.layer.refuse_gradients(propagate_down)


def _strides(blob: Blob) -> list[int]:
    """How many elements of memory lie between neighbours along each axis."""
    array: Any = blob.read()
    return [stride // array.itemsize for stride in array.strides]
