"""The CUDA kernel of Softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import around
from caffe_core.cuda.source import Source

SOURCE = Source.beside(__file__, "softmax.cu")


class Distributions:
    """Softmax along one axis of arrays that lie in memory as a blob does.

    Where the classes are side by side a warp works on each distribution, else a thread does.

    Args:
        device: Where.
        blob: The blob.
        axis: The axis along which the results sum to 1.
    """

    def __init__(self, device: Any, blob: Blob, axis: int):
        self._device, self._dtype = device, blob.dtype
        self.outer, self.inner = around(blob, axis)
        self.classes = blob.shape[axis]

    def forward(self, x: Any, y: Any) -> None:
        """Write the softmax of `x` to `y`, which may be `x`."""
        self._run("forward", x, y)

    def backward(self, y: Any, dy: Any, dx: Any) -> None:
        """Write the gradient that follows from `dy` to `dx`, which may be `dy`."""
        self._run("backward", y, dy, dx)

    def _run(self, direction: str, *arrays: Any) -> None:
        side_by_side = self.inner == 1
        name = f"{direction}_rows" if side_by_side else direction
        function = self._device.function(SOURCE, name, self._dtype)
        if side_by_side:
            function.warps(self.outer, *arrays, self.classes)
        else:
            function(self.outer * self.inner, *arrays, self.classes, self.inner)


class SoftmaxKernel(CudaKernel):
    """Softmax in one launch each way."""

    formats = ANY_FORMAT
    source = SOURCE

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Find where the classes lie."""
        self.distributions = Distributions(self.device, bottom[0], self.layer.axis)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        x = bottom[0].read()
        y = top[0].data if top[0] is bottom[0] else top[0].overwrite()
        self.distributions.forward(x, y)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff."""
        if propagate_down[0]:
            dy = top[0].read_diff()
            self.distributions.backward(top[0].read(), dy, bottom[0].overwrite_diff())
