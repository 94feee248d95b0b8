"""The CUDA kernel of MultinomialLogisticLoss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.mean_loss import MeanLoss
from caffe_core.cuda.source import Source


class MultinomialLogisticLossKernel(CudaKernel):
    """MultinomialLogisticLoss, its sum in a fixed order.

    Forward leaves here each label's class and probability. A label that names no class makes the
    loss NaN.
    """

    source = Source.beside(__file__, "multinomial_logistic_loss.cu")

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate two numbers for each label."""
        dtype, items = bottom[0].dtype, bottom[0].shape[0]
        self.classes = bottom[0].span(1)
        self.found = self.xp.empty(items, np.int32), self.xp.empty(items, dtype)
        self.mean = MeanLoss(self.device, dtype, items, fixed=max(items, 1))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        prob, labels = bottom[0].read(), bottom[1].read()
        self.mean.write(top[0], self.function("sum_up"), prob, labels, *self.found, self.classes)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of the probabilities: 0 but for the labels."""
        self.layer.refuse_gradients(propagate_down)
        if propagate_down[0]:
            dx, weight = bottom[0].overwrite_diff(), top[0].read_diff()
            self.function("backward")(
                dx.size, *self.found, self.classes, dx, weight, self.mean.divisor
            )
