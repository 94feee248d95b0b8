"""The quick net for CIFAR-10: functions make what its three stages share."""

from __future__ import annotations

from typing import Any

import caffe
from caffe import layers as L
from caffe import params as P

LEARN = {"param": [dict(lr_mult=1), dict(lr_mult=2)], "weight_filler": dict(type="xavier")}


def cifar10_quick() -> Any:
    """Return the net."""
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 3, 32, 32]))
    n.label = L.Input(shape=dict(dim=1), include=dict(phase=caffe.TRAIN))
    n.conv1 = conv(n.data, 32)
    n.pool1 = pool(n.conv1, P.Pooling.MAX)
    n.relu1 = top = L.ReLU(n.pool1, in_place=True)
    for stage, outputs in ((2, 32), (3, 64)):
        n[f"conv{stage}"] = top = conv(top, outputs)
        n[f"relu{stage}"] = top = L.ReLU(top, in_place=True)
        n[f"pool{stage}"] = top = pool(top, P.Pooling.AVE)
    n.ip1 = L.InnerProduct(top, num_output=64, **LEARN)
    n.ip2 = L.InnerProduct(n.ip1, num_output=10, **LEARN)
    n.loss = L.SoftmaxWithLoss(n.ip2, n.label, include=dict(phase=caffe.TRAIN))
    n.prob = L.Softmax(n.ip2, include=dict(phase=caffe.TEST))
    return n.to_proto()


def conv(bottom: Any, outputs: int) -> Any:
    """Return what a convolution of 5 x 5 makes of a blob."""
    return L.Convolution(bottom, num_output=outputs, kernel_size=5, pad=2, **LEARN)


def pool(bottom: Any, method: int) -> Any:
    """Return a blob pooled to half its size."""
    return L.Pooling(bottom, pool=method, kernel_size=3, stride=2)


if __name__ == "__main__":
    print('name: "CIFAR-10 quick"', cifar10_quick(), sep="\n")
