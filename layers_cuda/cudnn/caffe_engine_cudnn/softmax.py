"""Softmax on cuDNN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import CONTIGUOUS, Blob
from caffe_core.cuda.layout import around
from caffe_core.layer import Layer
from caffe_engine_cudnn.graph import Layout
from caffe_engine_cudnn.kernel import NativeKernel
from caffe_engine_cudnn.native import ONE, ZERO, Native

_ACCURATE = 1  # the greatest score is subtracted before e ^ x
_OVER_CHANNELS = 1


class SoftmaxKernel(NativeKernel):
    """Softmax along any axis, which cuDNN sees as the channels, in either memory format."""

    @classmethod
    def attempt(
        cls, native: Native, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]
    ) -> None:
        """Compute one distribution and its gradient."""
        classes = bottom[0].shape[layer.axis]
        x, y = (bottom[0].device.zeros(classes, layer.dtype) for _ in range(2))
        distribution = _Distributions(native, 1, classes, 1)
        distribution.forward(x, y)
        distribution.backward(y, x, x)

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Describe where the classes lie."""
        axis, blob = self.layer.axis, bottom[0]
        outer, inner = around(blob, axis)
        self._distributions = None
        if blob.count:
            self._distributions = _Distributions(self.native, outer, blob.shape[axis], inner)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        if self._distributions is None:
            return
        x, y = bottom[0].read(), top[0].overwrite()
        if top[0] is bottom[0]:  # cuDNN allows that for the gradient alone
            beside = self.workspace.array((x.size,), x.dtype)
            self.keep(x, beside)
            x = beside
        self._distributions.forward(x, y)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff."""
        if propagate_down[0] and self._distributions is not None:
            dy = top[0].read_diff()
            self._distributions.backward(top[0].read(), dy, bottom[0].overwrite_diff())


class _Distributions:
    """Softmax of scores that lie in memory as ``(outer, classes, inner)``."""

    def __init__(self, native: Native, outer: int, classes: int, inner: int):
        self._native = native
        self._tensor = native.tensor(Layout.dense((outer, classes, inner, 1), CONTIGUOUS))

    def forward(self, x: Any, y: Any) -> None:
        """Write the softmax of `x` to `y`, which is not `x`."""
        self._run("Forward", x, result=y)

    def backward(self, y: Any, dy: Any, dx: Any) -> None:
        """Write the gradient that follows from `dy` to `dx`, which may be `dy`."""
        self._run("Backward", y, dy, result=dx)

    def _run(self, direction: str, *arrays: Any, result: Any) -> None:
        described = [each for array in arrays for each in (self._tensor, array)]
        self._native.compute(
            f"cudnnSoftmax{direction}", _ACCURATE, _OVER_CHANNELS,
            ONE, *described, ZERO, self._tensor, result,
        )  # fmt: skip
