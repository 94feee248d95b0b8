"""The CUDA kernel of GroupNorm."""

from __future__ import annotations

from caffe_layer_layer_norm_cuda import Items, LayerNormKernel

from caffe_core.blob import Blob
from caffe_core.cuda.layout import around


class GroupNormKernel(LayerNormKernel):
    """GroupNorm: as LayerNorm, but other items, and scale and shift for each channel."""

    def items_of(self, x: Blob) -> Items:
        """Return the groups of each N."""
        return Items.of_channels(x, self.layer.groups)

    def learned_of(self, x: Blob) -> tuple[int, int, int, int]:
        """Return where the channels lie."""
        outer, inner = around(x, 1)
        return outer, x.shape[1], inner, 1
