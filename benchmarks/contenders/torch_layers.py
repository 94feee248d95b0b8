"""Layers of Caffe as PyTorch modules: those that the measured nets have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.contenders import Unavailable
from benchmarks.contenders.steps import Step, one
from caffe_core.proto import caffe_pb2

Rows = Callable[[np.ndarray], np.ndarray]


class Learn(Protocol):
    """Gives tensors the values of a layer's learned blobs."""

    def __call__(
        self, layer: Any, blobs: list[np.ndarray], tensors: list[Tensor], rows: Rows = np.array
    ) -> None:
        """See `TorchNet`."""


def translate(step: Step, learn: Learn) -> nn.Module:
    """Return a module that does what a step does.

    Raises:
        Unavailable: It has not been translated, since no measured net has it.
    """
    if step.layer.type not in _TRANSLATIONS:
        raise Unavailable(f"{step.layer.type} is not translated")
    return _TRANSLATIONS[step.layer.type](step, learn)


class Concat(nn.Module):
    """Joins along an axis."""

    def __init__(self, axis: int):
        super().__init__()
        self.axis = axis

    def forward(self, *bottom: Tensor) -> Tensor:
        return torch.cat(bottom, self.axis)


class Sum(nn.Module):
    """Adds two values."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first + second


class Loss(nn.Module):
    """The mean cross entropy over an axis of scores."""

    def __init__(self, axis: int):
        super().__init__()
        self.axis = axis

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        scores = scores.flatten(0, self.axis - 1)
        labels = labels.reshape(scores.shape[:1] + scores.shape[2:])
        return functional.cross_entropy(scores, labels)


class LSTM(nn.Module):
    """An LSTM whose sequences begin with the first step, as ``cont`` says."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.lstm = nn.LSTM(inputs, outputs)
        nn.init.zeros_(self.lstm.bias_hh_l0)  # PyTorch has two biases, Caffe one

    def forward(self, x: Tensor, cont: Tensor) -> Tensor:
        return self.lstm(x)[0]


def _convolution(step: Step, learn: Learn) -> nn.Module:
    param = step.layer.convolution_param
    outputs, inputs, *_ = step.blobs[0].shape
    module = nn.Conv2d(
        inputs * param.group,
        outputs,
        one(param.kernel_size, 0),
        one(param.stride, 1),
        one(param.pad, 0),
        one(param.dilation, 1),
        param.group,
        bias=param.bias_term,
    )
    learn(step.layer, step.blobs, list(module.parameters()))
    return module


def _inner_product(step: Step, learn: Learn) -> nn.Module:
    param = step.layer.inner_product_param
    outputs, inputs = step.blobs[0].shape
    module = nn.Linear(inputs, outputs, bias=param.bias_term)
    learn(step.layer, step.blobs, list(module.parameters()))
    return module if param.axis == 2 else nn.Sequential(nn.Flatten(param.axis), module)


def _lstm(step: Step, learn: Learn) -> nn.Module:
    module = LSTM(step.blobs[0].shape[1], step.layer.recurrent_param.num_output)
    lstm = module.lstm
    tensors = [lstm.weight_ih_l0, lstm.bias_ih_l0, lstm.weight_hh_l0]
    learn(step.layer, step.blobs, tensors, _swap_last_gates)
    return module


def _swap_last_gates(rows: np.ndarray) -> np.ndarray:
    """Gates are input, forget, output, candidate in Caffe; in PyTorch the last two are swapped."""
    first, second, third, last = np.split(rows, 4)
    return np.concatenate([first, second, last, third])


def _batch_norm(step: Step, learn: Learn) -> nn.Module:
    param = step.layer.batch_norm_param
    mean, variance, count = step.blobs
    affine = step.scale is not None
    momentum = 1 - param.moving_average_fraction
    module = nn.BatchNorm2d(mean.size, eps=param.eps, momentum=momentum, affine=affine)
    with torch.no_grad():
        module.running_mean.copy_(torch.from_numpy(mean / count))
        module.running_var.copy_(torch.from_numpy(variance / count))
    if step.scale is not None:
        learn(*step.scale, list(module.parameters()))
    return module


def _pooling(step: Step, learn: Learn) -> nn.Module:
    param = step.layer.pooling_param
    mean = param.pool == caffe_pb2.PoolingParameter.AVE
    if param.global_pooling:
        return nn.AdaptiveAvgPool2d(1) if mean else nn.AdaptiveMaxPool2d(1)
    kind = nn.AvgPool2d if mean else nn.MaxPool2d
    ceil = param.round_mode == caffe_pb2.PoolingParameter.CEIL
    return kind(param.kernel_size, param.stride, param.pad, ceil_mode=ceil)


def _lrn(step: Step, learn: Learn) -> nn.Module:
    param = step.layer.lrn_param
    if param.norm_region != caffe_pb2.LRNParameter.ACROSS_CHANNELS:
        raise Unavailable("LRN within channels is not translated")
    return nn.LocalResponseNorm(param.local_size, param.alpha, param.beta, param.k)


def _eltwise(step: Step, learn: Learn) -> nn.Module:
    param = step.layer.eltwise_param
    if param.operation != caffe_pb2.EltwiseParameter.SUM or param.coeff or len(step.bottom) != 2:
        raise Unavailable("an Eltwise other than the plain sum of two is not translated")
    return Sum()


_TRANSLATIONS: dict[str, Callable[[Step, Learn], nn.Module]] = {
    "BatchNorm": _batch_norm,
    "Concat": lambda step, learn: Concat(step.layer.concat_param.axis),
    "Convolution": _convolution,
    "Dropout": lambda step, learn: nn.Dropout(step.layer.dropout_param.dropout_ratio),
    "Eltwise": _eltwise,
    "InnerProduct": _inner_product,
    "LRN": _lrn,
    "LSTM": _lstm,
    "Pooling": _pooling,
    "ReLU": lambda step, learn: nn.ReLU(step.in_place),
    "Softmax": lambda step, learn: nn.Softmax(step.layer.softmax_param.axis),
    "SoftmaxWithLoss": lambda step, learn: Loss(step.layer.softmax_param.axis),
}
