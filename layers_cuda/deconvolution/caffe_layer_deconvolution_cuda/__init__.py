"""The CUDA kernel of Deconvolution."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.cuda.correlation import CorrelationKernel, Transposed


class DeconvolutionKernel(CorrelationKernel):
    """Deconvolution as the products of the convolution that leads from top to bottom."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Plan the products for the present shapes."""
        self.products = Transposed(self.correlation(top[0], self.layer.channels))
