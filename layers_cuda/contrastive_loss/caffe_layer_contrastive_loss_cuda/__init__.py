"""The CUDA kernel of ContrastiveLoss."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.cuda.function import WARP
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.mean_loss import MeanLoss
from caffe_core.cuda.source import Source


class ContrastiveLossKernel(CudaKernel):
    """ContrastiveLoss with a warp for each pair, its sum in a fixed order.

    Forward leaves here by how much the sum grows with each element of the first vectors; it shrinks
    by as much with that of the second.
    """

    source = Source.beside(__file__, "contrastive_loss.cu")

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate one number for each element."""
        pairs, self.size = bottom[0].span(0, 1), bottom[0].span(1)
        self.slope = self.xp.empty(bottom[0].count, bottom[0].dtype)
        self.mean = MeanLoss(self.device, bottom[0].dtype, pairs * WARP, fixed=2 * max(pairs, 1))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        blobs, layer = [blob.read() for blob in bottom], self.layer
        self.mean.write(
            top[0], self.function("sum_up"),
            *blobs, self.slope, self.size, layer.margin, layer.legacy_version,
        )  # fmt: skip

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of each vector that wants one."""
        self.layer.refuse_gradients(propagate_down)
        for blob, wanted, sign in zip(bottom[:2], propagate_down, (1, -1), strict=False):
            if wanted:
                self.mean.spread(self.slope, top[0], blob, sign)
