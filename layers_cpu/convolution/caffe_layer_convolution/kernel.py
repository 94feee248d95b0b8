"""Convolution on NumPy: im2col and BLAS."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.correlation import correlation
from caffe_core.kernel import Kernel


class ConvolutionKernel(Kernel):
    """Convolution as matrix products over columns of patches."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Plan the products for the present shapes."""
        layer = self.layer
        batch = bottom[0].span(0, layer.axis)
        image = (batch, *bottom[0].shape[layer.axis :])
        self.rows = (batch, layer.outputs, top[0].span(layer.axis + 1))
        self.products = correlation(
            layer.geometry, image, layer.outputs, layer.group, layer.dtype, self.workspace
        )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write each top."""
        weight, *rest = [blob.data for blob in self.blobs]
        bias = rest[0] if rest else None
        for below, above in zip(bottom, top, strict=True):
            self.products.forward(below.data, weight, above.data, bias)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diffs of the bottoms, add to those of weight and bias."""
        layer = self.layer
        wanted = layer.param_propagate_down
        for above, below, down in zip(top, bottom, propagate_down, strict=True):
            if wanted[0]:
                self.products.backward_weight(below.data, above.diff, self.blobs[0].diff)
            if len(self.blobs) > 1 and wanted[1]:
                self.blobs[1].diff[...] += above.diff.reshape(self.rows).sum(axis=(0, 2))
            if down:
                self.products.backward_image(above.diff, self.blobs[0].data, below.diff)
