"""CaffeNet: Krizhevsky et al., "ImageNet classification with deep convolutional networks", 2012."""

from __future__ import annotations

from typing import Any

import caffe
from caffe import layers as L
from caffe import params as P


def caffenet() -> Any:
    """Return the net."""
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 3, 227, 227]))
    n.label = L.Input(shape=dict(dim=1), include=dict(phase=caffe.TRAIN))
    top = relu(n, "conv1", L.Convolution(n.data, kernel_size=11, stride=4, **learn(96)))
    top = norm(n, 1, top)
    top = relu(n, "conv2", L.Convolution(top, kernel_size=5, pad=2, group=2, **learn(256, bias=1)))
    top = norm(n, 2, top)
    top = relu(n, "conv3", L.Convolution(top, kernel_size=3, pad=1, **learn(384)))
    top = relu(n, "conv4", L.Convolution(top, kernel_size=3, pad=1, group=2, **learn(384, bias=1)))
    top = relu(n, "conv5", L.Convolution(top, kernel_size=3, pad=1, group=2, **learn(256, bias=1)))
    n.pool5 = top = L.Pooling(top, pool=P.Pooling.MAX, kernel_size=3, stride=2)
    for name in ("fc6", "fc7"):
        top = relu(n, name, L.InnerProduct(top, **learn(4096, std=0.005, bias=1)))
        n[f"{name}/drop"] = top = L.Dropout(top, dropout_ratio=0.5, in_place=True)
    n.fc8 = L.InnerProduct(top, **learn(1000))
    n.loss = L.SoftmaxWithLoss(n.fc8, n.label, loss_weight=1, include=dict(phase=caffe.TRAIN))
    n.prob = L.Softmax(n.fc8, include=dict(phase=caffe.TEST))
    return n.to_proto()


def learn(outputs: int, std: float = 0.01, bias: float = 0) -> dict[str, Any]:
    """Return the parameters of a layer that learns: how it starts, and how fast it goes."""
    return {
        "num_output": outputs,
        "param": [dict(lr_mult=1, decay_mult=1), dict(lr_mult=2, decay_mult=0)],
        "weight_filler": dict(type="gaussian", std=std),
        "bias_filler": dict(type="constant", value=bias),
    }


def relu(n: caffe.NetSpec, name: str, top: Any) -> Any:
    """Name a blob, and return it rectified in place."""
    n[name] = top
    n[f"{name}/relu"] = top = L.ReLU(top, in_place=True)
    return top


def norm(n: caffe.NetSpec, number: int, bottom: Any) -> Any:
    """Return a blob pooled, then normalised across channels."""
    n[f"pool{number}"] = top = L.Pooling(bottom, pool=P.Pooling.MAX, kernel_size=3, stride=2)
    n[f"norm{number}"] = top = L.LRN(top, local_size=5, alpha=1e-4, beta=0.75)
    return top


if __name__ == "__main__":
    print('name: "CaffeNet"', caffenet(), sep="\n")
