"""The CUDA kernel of Maxout."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_layer_maxout import Maxout

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import around
from caffe_core.cuda.source import Source


class MaxoutKernel(CudaKernel):
    """Maxout with a thread for each element of the top."""

    formats = ANY_FORMAT
    source = Source.beside(__file__, "maxout.cu")
    layer: Maxout

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Find where the pieces lie."""
        self.pieces = self.layer.pieces
        _, self.inner = around(bottom[0], self.layer.axis)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        y = top[0].overwrite()
        self.function("forward")(y.size, bottom[0].read(), y, self.pieces, self.inner)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the top's diff where a piece is the first to equal the top, 0 elsewhere."""
        if propagate_down[0]:
            x, y, dy = bottom[0].read(), top[0].read(), top[0].read_diff()
            dx = bottom[0].overwrite_diff()
            self.function("backward")(y.size, x, y, dy, dx, self.pieces, self.inner)
