"""InfogainLoss: the softmax loss with a say for every class, as a matrix gives it."""

from caffe_layer_infogain_loss.cases import CASES
from caffe_layer_infogain_loss.kernel import InfogainLossKernel
from caffe_layer_infogain_loss.layer import InfogainLoss

__all__ = ["CASES", "InfogainLoss", "InfogainLossKernel"]
