"""The CUDA kernel of SoftmaxWithLoss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from caffe_layer_softmax_cuda import Distributions

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.source import Source
from caffe_core.normalization import divisor

_LABELS = 4096  # for each block
_THREADS = 512


class SoftmaxWithLossKernel(CudaKernel):
    """SoftmaxWithLoss, sums in a fixed order. A label that names no class makes the loss NaN."""

    source = Source.beside(__file__, "softmax_loss.cu")

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate what backward needs, and sums for each block."""
        layer, xp = self.layer, self.xp
        self.distributions = Distributions(self.device, bottom[0], layer.axis)
        self.prob = xp.empty(bottom[0].shape, bottom[0].dtype)
        self.count = bottom[1].count
        self.blocks = max(1, -(-self.count // _LABELS))
        self.classes = xp.empty(self.count, np.int32)
        self.sums = xp.empty(2 * self.blocks, bottom[0].dtype)
        self.divisor = xp.empty(1, bottom[0].dtype)
        self.fixed = 0  # by VALID, which is what is counted
        if layer.normalization != "VALID":
            batch = bottom[0].span(0, layer.axis)
            self.fixed = divisor(layer.normalization, batch=batch, total=self.count, valid=0)
        ignored = layer.ignore is not None
        self.labels = self.ints(
            self.distributions.classes, self.distributions.inner, ignored, layer.ignore or 0
        )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss, and the probabilities if they are a top."""
        self.distributions.forward(bottom[0].read(), self.prob)
        labels, loss = bottom[1].read(), top[0].overwrite()
        self.function("sum_up").blocks(
            self.blocks, self.prob, labels, self.classes, self.sums, self.count, self.labels,
            threads=_THREADS,
        )  # fmt: skip
        self.function("finish").blocks(
            1, self.sums, self.blocks, self.fixed, self.divisor, loss, threads=_THREADS
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
                dx.size, self.prob, self.classes, dx, weight, self.divisor, self.labels
            )
