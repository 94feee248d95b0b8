"""The CUDA kernel of InfogainLoss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from caffe_layer_softmax_cuda.loss import LOSS_CU, SoftmaxLossKernel

from caffe_core.blob import Blob
from caffe_core.cuda.source import Source


class InfogainLossKernel(SoftmaxLossKernel):
    """InfogainLoss, its sum in a fixed order. A label that names no class makes the loss NaN.

    Forward leaves here the probabilities, the matrix, and each label's class and sum of its row.
    """

    source = Source("infogain_loss", [LOSS_CU, Path(__file__).with_name("infogain_loss.cu")])

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate what backward needs too, and fetch a matrix that is no bottom."""
        super().prepare(bottom, top)
        xp, dtype, count = self.xp, bottom[0].dtype, bottom[1].count
        self.matrix = xp.empty(self.distributions.classes**2, dtype)
        if self.layer.matrix is not None:
            self.matrix = xp.array(self.layer.matrix.reshape(-1))
        self.found = self.matrix, xp.empty(count, np.int32), xp.empty(count, dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss, and the probabilities if they are a top."""
        if self.layer.matrix is None:
            self.matrix[...] = bottom[2].read().reshape(-1)
        super().forward(bottom, top)
