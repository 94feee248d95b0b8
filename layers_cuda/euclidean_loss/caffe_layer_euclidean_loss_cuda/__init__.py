"""The CUDA kernel of EuclideanLoss."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.mean_loss import MeanLoss
from caffe_core.cuda.source import Source


class EuclideanLossKernel(CudaKernel):
    """EuclideanLoss, its sum in a fixed order. Forward leaves here the differences, doubled."""

    source = Source.beside(__file__, "euclidean_loss.cu")

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate one number for each element."""
        items, count = max(bottom[0].shape[0], 1), bottom[0].count
        self.slope = self.xp.empty(count, bottom[0].dtype)
        self.mean = MeanLoss(self.device, bottom[0].dtype, count, fixed=2 * items)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        pair = bottom[0].read(), bottom[1].read()
        self.mean.write(top[0], self.function("sum_up"), *pair, self.slope)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of each bottom that wants one."""
        for blob, wanted, sign in zip(bottom, propagate_down, (1, -1), strict=True):
            if wanted:
                self.mean.spread(self.slope, top[0], blob, sign)
