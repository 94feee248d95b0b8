"""BatchNorm: y = (x - mean) / sqrt(variance + eps), for each channel."""

from caffe_layer_batch_norm.cases import CASES
from caffe_layer_batch_norm.kernel import BatchNormKernel
from caffe_layer_batch_norm.layer import BatchNorm

__all__ = ["CASES", "BatchNorm", "BatchNormKernel"]
