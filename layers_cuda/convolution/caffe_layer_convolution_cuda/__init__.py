"""The CUDA kernel of Convolution."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.cuda.correlation import CorrelationKernel


class ConvolutionKernel(CorrelationKernel):
    """Convolution by im2col and cuBLAS."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Plan the products for the present shapes."""
        self.products = self.correlation(bottom[0], self.layer.outputs)
