"""The CUDA kernel of Accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.mean_loss import MeanLoss
from caffe_core.cuda.source import Source


class AccuracyKernel(CudaKernel):
    """Accuracy with a warp for each label, or a thread where its scores are not side by side.

    A label that names no class makes the share NaN.
    """

    source = Source.beside(__file__, "accuracy.cu")

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Find where the scores lie."""
        layer, scores = self.layer, bottom[0]
        self.count, self.classes = bottom[1].count, scores.shape[layer.axis]
        self.side_by_side = scores.span(layer.axis + 1) == 1
        self.mean = MeanLoss(self.device, layer.dtype, self.count, fixed=0)
        ignored, ignore = layer.ignore is not None, layer.ignore or 0
        self.labels = self.ints(
            self.classes, scores.span(layer.axis + 1), ignored, ignore, layer.top_k
        )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the shares."""
        found = classes, hits = self.workspace.arrays(
            ((self.count,), np.int32), ((self.count,), np.bool_)
        )
        find = self.function("find_rows").warps if self.side_by_side else self.function("find")
        find(self.count, bottom[0].read(), bottom[1].read(), classes, hits, self.labels)
        self.mean.write(top[0], self.function("sum_up"), *found)
        if len(top) > 1:
            shares = top[1].overwrite()
            self.function("each_class").blocks(self.classes, *found, self.count, shares)
