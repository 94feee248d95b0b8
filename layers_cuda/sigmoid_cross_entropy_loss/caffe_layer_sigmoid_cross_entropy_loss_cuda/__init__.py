"""The CUDA kernel of SigmoidCrossEntropyLoss."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.mean_loss import MeanLoss, fixed_divisor
from caffe_core.cuda.source import Source


class SigmoidCrossEntropyLossKernel(CudaKernel):
    """SigmoidCrossEntropyLoss, its sum in a fixed order.

    Forward leaves here by how much the loss grows with each score.
    """

    source = Source.beside(__file__, "sigmoid_cross_entropy_loss.cu")

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate one number for each score."""
        layer, count = self.layer, bottom[0].count
        fixed = fixed_divisor(layer.normalization, batch=bottom[0].shape[0], total=count)
        self.slope = self.xp.empty(count, bottom[0].dtype)
        self.mean = MeanLoss(self.device, bottom[0].dtype, count, fixed)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        scores, targets, ignore = bottom[0].read(), bottom[1].read(), self.layer.ignore
        self.mean.write(
            top[0], self.function("sum_up"),
            scores, targets, self.slope, ignore is not None, ignore or 0,
        )  # fmt: skip

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of the scores."""
        self.layer.refuse_gradients(propagate_down)
        if propagate_down[0]:
            self.mean.spread(self.slope, top[0], bottom[0])
