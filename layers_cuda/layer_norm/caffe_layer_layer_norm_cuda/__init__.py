"""The CUDA kernel of LayerNorm."""

from caffe_layer_layer_norm_cuda.items import ITEMS_CU, Items
from caffe_layer_layer_norm_cuda.kernel import LayerNormKernel

__all__ = ["ITEMS_CU", "Items", "LayerNormKernel"]
