"""GoogLeNet: nine inception blocks, each with a scope of names of its own.

Source: Szegedy et al., "Going deeper with convolutions", 2014.
"""

from __future__ import annotations

from typing import Any

import caffe
from caffe import layers as L
from caffe import params as P

TRAIN, TEST = dict(phase=caffe.TRAIN), dict(phase=caffe.TEST)


def googlenet() -> Any:
    """Return the net."""
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 3, 224, 224]))
    n.label = L.Input(shape=dict(dim=1), include=TRAIN)
    top = conv(n, "conv1/7x7_s2", n.data, 64, kernel_size=7, stride=2, pad=3)
    n["pool1/3x3_s2"] = top = max_pool(top, 2)
    n["pool1/norm1"] = top = norm(top)
    top = conv(n, "conv2/3x3_reduce", top, 64, kernel_size=1)
    top = conv(n, "conv2/3x3", top, 192, kernel_size=3, pad=1)
    n["conv2/norm2"] = top = norm(top)
    n["pool2/3x3_s2"] = top = max_pool(top, 2)
    top = inception(n, "3a", top, 64, 96, 128, 16, 32, 32)
    top = inception(n, "3b", top, 128, 128, 192, 32, 96, 64)
    n["pool3/3x3_s2"] = top = max_pool(top, 2)
    top = inception(n, "4a", top, 192, 96, 208, 16, 48, 64)
    auxiliary(n, "loss1", top)
    top = inception(n, "4b", top, 160, 112, 224, 24, 64, 64)
    top = inception(n, "4c", top, 128, 128, 256, 24, 64, 64)
    top = inception(n, "4d", top, 112, 144, 288, 32, 64, 64)
    auxiliary(n, "loss2", top)
    top = inception(n, "4e", top, 256, 160, 320, 32, 128, 128)
    n["pool4/3x3_s2"] = top = max_pool(top, 2)
    top = inception(n, "5a", top, 256, 160, 320, 32, 128, 128)
    top = inception(n, "5b", top, 384, 192, 384, 48, 128, 128)
    n["pool5/7x7_s1"] = top = L.Pooling(top, pool=P.Pooling.AVE, kernel_size=7, stride=1)
    n["pool5/7x7_s1/drop"] = top = L.Dropout(top, dropout_ratio=0.4, in_place=True)
    n["loss3/classifier"] = top = L.InnerProduct(top, **learn(1000))
    n.loss = L.SoftmaxWithLoss(top, n.label, loss_weight=1, include=TRAIN)
    n.prob = L.Softmax(top, include=TEST)
    return n.to_proto()


def inception(n: caffe.NetSpec, name: str, bottom: Any, *outputs: int) -> Any:
    """Return what windows of four sizes see, side by side.

    Args:
        n: The net.
        name: What the block is called.
        bottom: What it looks at.
        outputs: Channels of 1x1, 3x3_reduce, 3x3, 5x5_reduce, 5x5 and pool_proj.
    """
    one, three_reduce, three, five_reduce, five, pool = outputs
    with n.scope(f"inception_{name}/"):
        reduced_3 = conv(n, "3x3_reduce", bottom, three_reduce, kernel_size=1)
        reduced_5 = conv(n, "5x5_reduce", bottom, five_reduce, kernel_size=1)
        n.pool = max_pool(bottom, 1, pad=1)
        n.output = L.Concat(
            conv(n, "1x1", bottom, one, kernel_size=1),
            conv(n, "3x3", reduced_3, three, kernel_size=3, pad=1),
            conv(n, "5x5", reduced_5, five, kernel_size=5, pad=2),
            conv(n, "pool_proj", n.pool, pool, kernel_size=1),
        )
        return n.output


def auxiliary(n: caffe.NetSpec, name: str, bottom: Any) -> None:
    """Add a loss half way up, for training."""
    only = {"include": TRAIN}
    with n.scope(f"{name}/"):
        n.ave_pool = L.Pooling(bottom, pool=P.Pooling.AVE, kernel_size=5, stride=3, **only)
        n.fc = L.InnerProduct(
            conv(n, "conv", n.ave_pool, 128, kernel_size=1, **only), **learn(1024, bias=0.2), **only
        )
        n["fc/relu"] = top = L.ReLU(n.fc, in_place=True, **only)
        n["fc/drop"] = top = L.Dropout(top, dropout_ratio=0.7, in_place=True, **only)
        n.classifier = L.InnerProduct(top, **learn(1000), **only)
        n.loss = L.SoftmaxWithLoss(n.classifier, n.label, loss_weight=0.3, **only)


def conv(
    n: caffe.NetSpec, name: str, bottom: Any, outputs: int, include: Any = (), **window: int
) -> Any:
    """Return a convolution, rectified in place."""
    n[name] = L.Convolution(bottom, include=include, **learn(outputs, bias=0.2), **window)
    n[f"{name}/relu"] = top = L.ReLU(n[name], include=include, in_place=True)
    return top


def learn(outputs: int, bias: float = 0) -> dict[str, Any]:
    """Return the parameters of a layer that learns: how it starts, and how fast it goes."""
    return {
        "num_output": outputs,
        "param": [dict(lr_mult=1, decay_mult=1), dict(lr_mult=2, decay_mult=0)],
        "weight_filler": dict(type="xavier"),
        "bias_filler": dict(type="constant", value=bias),
    }


def max_pool(bottom: Any, stride: int, **window: int) -> Any:
    """Return the maximum of windows of 3 x 3."""
    return L.Pooling(bottom, pool=P.Pooling.MAX, kernel_size=3, stride=stride, **window)


def norm(bottom: Any) -> Any:
    """Return a blob normalised across 5 channels."""
    return L.LRN(bottom, local_size=5, alpha=1e-4, beta=0.75)


if __name__ == "__main__":
    print('name: "GoogLeNet"', googlenet(), sep="\n")
