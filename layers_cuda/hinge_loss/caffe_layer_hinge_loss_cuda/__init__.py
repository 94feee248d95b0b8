"""The CUDA kernel of HingeLoss."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.mean_loss import MeanLoss
from caffe_core.cuda.source import Source


class HingeLossKernel(CudaKernel):
    """HingeLoss, its sum in a fixed order. A label that names no class makes the loss NaN.

    Forward leaves here by how much the loss grows with each score.
    """

    source = Source.beside(__file__, "hinge_loss.cu")

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate one number for each score."""
        items, count = max(bottom[0].shape[0], 1), bottom[0].count
        self.slope = self.xp.empty(count, bottom[0].dtype)
        self.mean = MeanLoss(self.device, bottom[0].dtype, count, fixed=items)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        scores, labels = bottom[0].read(), bottom[1].read()
        self.mean.write(
            top[0], self.function("sum_up"),
            scores, labels, self.slope, bottom[0].span(1), self.layer.squared,
        )  # fmt: skip

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of the scores."""
        self.layer.refuse_gradients(propagate_down)
        if propagate_down[0]:
            self.mean.spread(self.slope, top[0], bottom[0])
