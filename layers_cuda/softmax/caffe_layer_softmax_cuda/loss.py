"""The CUDA kernel of losses of a softmax and labels: SoftmaxWithLoss, InfogainLoss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.mean_loss import MeanLoss, fixed_divisor
from caffe_layer_softmax_cuda import Distributions

LOSS_CU = Path(__file__).with_name("loss.cu")


class SoftmaxLossKernel(CudaKernel):
    """A loss of a softmax, its sum in a fixed order.

    Its source begins with `LOSS_CU` and goes on with two functions::

        KERNEL sum_up(int n, int count, Real* sums, const Real* prob, const Real* labels,
                      found..., const Labels* how)
        KERNEL backward(int n, const Real* prob, found..., Real* dx, const Real* loss_weight,
                        const Real* divisor, const Labels* how)

    Attributes:
        found: Arrays that ``sum_up`` leaves to ``backward``, or both read.
    """

    layer: Any
    found: tuple[Any, ...]

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the probabilities, and what the sum takes."""
        layer, dtype = self.layer, bottom[0].dtype
        self.distributions = Distributions(self.device, bottom[0], layer.axis)
        self.prob = self.xp.empty(bottom[0].shape, dtype)
        count, batch = bottom[1].count, bottom[0].span(0, layer.axis)
        fixed = fixed_divisor(layer.normalization, batch=batch, total=count)
        self.mean = MeanLoss(self.device, dtype, count, fixed)
        ignored = layer.ignore is not None
        self.labels = self.ints(
            self.distributions.classes, self.distributions.inner, ignored, layer.ignore or 0
        )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss, and the probabilities if they are a top."""
        self.distributions.forward(bottom[0].read(), self.prob)
        arguments = self.prob, bottom[1].read(), *self.found, self.labels
        self.mean.write(top[0], self.function("sum_up"), *arguments)
        if len(top) > 1:
            top[1].overwrite()[...] = self.prob

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of the scores."""
        self.layer.refuse_gradients(propagate_down)
        if propagate_down[0]:
            dx, weight = bottom[0].overwrite_diff(), top[0].read_diff()
            self.function("backward")(
                dx.size, self.prob, *self.found, dx, weight, self.mean.divisor, self.labels
            )
