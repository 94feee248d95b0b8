"""The CUDA kernel of Softmax."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import around
from caffe_core.cuda.source import Source


class SoftmaxKernel(CudaKernel):
    """Softmax with a warp, or where images lie plane by plane a thread, for each distribution."""

    formats = ANY_FORMAT
    source = Source.beside(__file__, "softmax.cu")

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Find where the classes lie."""
        self.outer, self.inner = around(bottom[0], self.layer.axis)
        self.classes = bottom[0].shape[self.layer.axis]

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        x = bottom[0].read()
        self._run("forward", x, top[0].data if top[0] is bottom[0] else top[0].overwrite())

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff."""
        if propagate_down[0]:
            dy = top[0].read_diff()
            self._run("backward", top[0].read(), dy, bottom[0].overwrite_diff())

    def _run(self, direction: str, *arrays: object) -> None:
        if self.inner == 1:
            self.function(f"{direction}_rows").warps(self.outer, *arrays, self.classes)
        else:
            distributions = self.outer * self.inner
            self.function(direction)(distributions, *arrays, self.classes, self.inner)
