"""The CUDA kernel of Deconvolution."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.cuda.correlation import SOURCE, Correlation
from caffe_core.cuda.kernel import CudaKernel


class DeconvolutionKernel(CudaKernel):
    """Deconvolution as the products of the convolution that leads from top to bottom."""

    source = SOURCE

    @classmethod
    def refuses(cls, layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse images of more axes than there is code for."""
        axes = len(layer.geometry.kernel)
        return f"it takes up to 8 spatial axes, not {axes}" if axes > 8 else None

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Plan the products for the present shapes."""
        layer = self.layer
        image = (top[0].span(0, layer.axis), *top[0].shape[layer.axis :])
        self.products = Correlation(
            layer.geometry, image, layer.channels, layer.group, layer.dtype, self.workspace
        )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write each top."""
        weight, *bias = [blob.read() for blob in self.blobs]
        for below, above in zip(bottom, top, strict=True):
            self.products.backward_image(below.read(), weight, above.overwrite(), *bias)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diffs of the bottoms, add to those of weight and bias."""
        wanted = self.layer.param_propagate_down
        for above, below, down in zip(top, bottom, propagate_down, strict=True):
            dy = above.read_diff()
            if wanted[0]:
                self.products.backward_weight(dy, below.read(), self.blobs[0].diff)
            if len(self.blobs) > 1 and wanted[1]:
                self.products.backward_image_bias(dy, self.blobs[1].diff)
            if down:
                self.products.forward(dy, self.blobs[0].read(), below.overwrite_diff())
