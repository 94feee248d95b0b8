"""The CUDA kernel of SoftmaxWithLoss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from caffe_layer_softmax_cuda.loss import LOSS_CU, SoftmaxLossKernel

from caffe_core.blob import Blob
from caffe_core.cuda.source import Source


class SoftmaxWithLossKernel(SoftmaxLossKernel):
    """SoftmaxWithLoss, sums in a fixed order. A label that names no class makes the loss NaN."""

    source = Source("softmax_loss", [LOSS_CU, Path(__file__).with_name("softmax_loss.cu")])

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the class of each label too."""
        super().prepare(bottom, top)
        self.found = (self.xp.empty(bottom[1].count, np.int32),)
