"""Convolution: a bank of filters moved over the spatial axes of its bottoms."""

from caffe_layer_convolution.cases import CASES
from caffe_layer_convolution.kernel import ConvolutionKernel
from caffe_layer_convolution.layer import Convolution

__all__ = ["CASES", "Convolution", "ConvolutionKernel"]
