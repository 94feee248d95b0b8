"""Pooling: the maximum, the mean or a random choice of the elements in windows."""

from caffe_layer_pooling.cases import CASES
from caffe_layer_pooling.kernel import PoolingKernel
from caffe_layer_pooling.layer import Pooling

__all__ = ["CASES", "Pooling", "PoolingKernel"]
