"""The CUDA kernel of Tile."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import around
from caffe_core.cuda.source import elementwise


class TileKernel(CudaKernel):
    """Tile with a thread for each element of the top forward, of the bottom backward.

    In memory the bottom is ``(outer, size)``, the top ``(outer, tiles, size)``.
    """

    formats = ANY_FORMAT
    source = elementwise(
        "tile",
        forward=("const Real* x, Real* y, int size, int tiles",
                 "y[i] = x[i / size / tiles * size + i % size];"),
        backward=("const Real* dy, Real* dx, int size, int tiles",
                  "const Real* copy = dy + i / size * size * tiles + i % size; Real sum = 0; "
                  "for (int tile = 0; tile < tiles; ++tile) sum += copy[tile * size]; "
                  "dx[i] = sum;"),
    )  # fmt: skip

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """See what is repeated."""
        _, inner = around(bottom[0], self.layer.axis)
        self.layout = bottom[0].shape[self.layer.axis] * inner, self.layer.tiles

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        self.function("forward")(top[0].count, bottom[0].read(), top[0].overwrite(), *self.layout)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the sum of the copies' diffs."""
        if propagate_down[0]:
            self.function("backward")(
                bottom[0].count, top[0].read_diff(), bottom[0].overwrite_diff(), *self.layout
            )
