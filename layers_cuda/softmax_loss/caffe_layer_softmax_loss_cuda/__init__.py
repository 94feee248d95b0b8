"""The CUDA kernel of SoftmaxWithLoss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from caffe_layer_softmax_cuda import Distributions

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.mean_loss import MeanLoss, fixed_divisor
from caffe_core.cuda.source import Source


class SoftmaxWithLossKernel(CudaKernel):
    """SoftmaxWithLoss, sums in a fixed order. A label that names no class makes the loss NaN."""

    source = Source.beside(__file__, "softmax_loss.cu")

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate what backward needs, and what the sum takes."""
        layer, xp = self.layer, self.xp
        self.distributions = Distributions(self.device, bottom[0], layer.axis)
        self.prob = xp.empty(bottom[0].shape, bottom[0].dtype)
        count, batch = bottom[1].count, bottom[0].span(0, layer.axis)
        fixed = fixed_divisor(layer.normalization, batch=batch, total=count)
        self.mean = MeanLoss(self.device, layer.dtype, count, fixed)
        self.classes = xp.empty(count, np.int32)
        ignored = layer.ignore is not None
        self.labels = self.ints(
            self.distributions.classes, self.distributions.inner, ignored, layer.ignore or 0
        )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss, and the probabilities if they are a top."""
        self.distributions.forward(bottom[0].read(), self.prob)
        self.mean.write(
            top[0], self.function("sum_up"), self.prob, bottom[1].read(), self.classes, self.labels
        )
        if len(top) > 1:
            top[1].overwrite()[...] = self.prob

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of the scores: the probabilities, less 1 at each label."""
        self.layer.refuse_gradients(propagate_down)
        if propagate_down[0]:
            dx, weight = bottom[0].overwrite_diff(), top[0].read_diff()
            self.function("backward")(
                dx.size, self.prob, self.classes, dx, weight, self.mean.divisor, self.labels
            )
