"""Softmax on cuDNN."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import CONTIGUOUS, Blob
from caffe_core.cuda.layout import around
from caffe_engine_cudnn.graph import Layout
from caffe_engine_cudnn.kernel import NativeKernel
from caffe_engine_cudnn.native import ONE, ZERO

_ACCURATE = 1  # the greatest score is subtracted before e ^ x
_OVER_CHANNELS = 1


class SoftmaxKernel(NativeKernel):
    """Softmax along any axis, which cuDNN sees as the channels, in either memory format."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Describe where the classes lie."""
        axis, shape = self.layer.axis, bottom[0].shape
        outer, inner = around(bottom[0], axis)
        self._tensor = None
        if bottom[0].count:
            layout = Layout.dense((outer, shape[axis], inner, 1), CONTIGUOUS)
            self._tensor = self.native.tensor(layout)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        tensor = self._tensor
        if tensor is None:
            return
        x, y = bottom[0].read(), top[0].overwrite()
        if top[0] is bottom[0]:  # cuDNN allows that for the gradient alone
            beside = self.workspace.array((x.size,), x.dtype)
            self.keep(x, beside)
            x = beside
        self.native.compute(
            "cudnnSoftmaxForward", _ACCURATE, _OVER_CHANNELS, ONE, tensor, x, ZERO, tensor, y
        )

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff."""
        tensor = self._tensor
        if propagate_down[0] and tensor is not None:
            dy = top[0].read_diff()
            self.native.compute(
                "cudnnSoftmaxBackward", _ACCURATE, _OVER_CHANNELS, ONE, tensor, top[0].read(),
                tensor, dy, ZERO, tensor, bottom[0].overwrite_diff(),
            )  # fmt: skip
