"""The CUDA kernel of InfogainLoss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from caffe_layer_softmax_cuda import Distributions

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.mean_loss import MeanLoss, fixed_divisor
from caffe_core.cuda.source import Source


class InfogainLossKernel(CudaKernel):
    """InfogainLoss, its sum in a fixed order. A label that names no class makes the loss NaN.

    Forward leaves here the probabilities, the matrix, and each label's class and sum of its row.
    """

    source = Source.beside(__file__, "infogain_loss.cu")

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate what backward needs, and fetch a matrix that is no bottom."""
        layer, dtype, count = self.layer, bottom[0].dtype, bottom[1].count
        self.distributions = Distributions(self.device, bottom[0], layer.axis)
        classes, inner = self.distributions.classes, self.distributions.inner
        self.prob = self.xp.empty(bottom[0].shape, dtype)
        self.found = self.xp.empty(count, np.int32), self.xp.empty(count, dtype)
        self.matrix = self.xp.empty(classes * classes, dtype)
        if layer.matrix is not None:
            self.matrix = self.xp.array(layer.matrix.reshape(-1))
        fixed = fixed_divisor(layer.normalization, batch=bottom[0].span(0, layer.axis), total=count)
        self.mean = MeanLoss(self.device, dtype, count, fixed)
        self.labels = self.ints(classes, inner, layer.ignore is not None, layer.ignore or 0)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss, and the probabilities if they are a top."""
        self.distributions.forward(bottom[0].read(), self.prob)
        if self.layer.matrix is None:
            self.matrix[...] = bottom[2].read().reshape(-1)
        self.mean.write(
            top[0], self.function("sum_up"),
            self.prob, bottom[1].read(), self.matrix, *self.found, self.labels,
        )  # fmt: skip
        if len(top) > 1:
            top[1].overwrite()[...] = self.prob

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of the scores: the probabilities times the row's sum, less the row."""
        self.layer.refuse_gradients(propagate_down)
        if propagate_down[0]:
            dx, weight = bottom[0].overwrite_diff(), top[0].read_diff()
            self.function("backward")(
                dx.size, self.prob, self.matrix, *self.found, dx, weight, self.mean.divisor,
                self.labels,
            )  # fmt: skip
