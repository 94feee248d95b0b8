"""FCN-8s: says of each pixel what it shows. Crop layers lay what goes up upon what went down.

Source: Long, Shelhamer and Darrell, "Fully convolutional networks for semantic segmentation", 2014.
"""

from __future__ import annotations

from typing import Any

import caffe
from caffe import layers as L
from caffe import params as P
from caffe.coord_map import crop

CLASSES = 21
LEARN = {"param": [dict(lr_mult=1, decay_mult=1), dict(lr_mult=2, decay_mult=0)]}
FIXED = {"param": dict(lr_mult=0)}


def fcn8s() -> Any:
    """Return the net."""
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 3, 500, 500]))
    pool, pad = {}, 100  # so much that the smallest images leave something for fc6
    top = n.data
    for stage, (convs, channels) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), 1):
        for index in range(1, convs + 1):
            top = conv(n, f"conv{stage}_{index}", top, channels, kernel_size=3, pad=pad)
            pad = 1
        pool[stage] = top = L.Pooling(top, pool=P.Pooling.MAX, kernel_size=2, stride=2)
        n[f"pool{stage}"] = top
    for name, kernel in (("fc6", 7), ("fc7", 1)):
        top = conv(n, name, top, 4096, kernel_size=kernel, pad=0)
        n[f"drop{name[2:]}"] = top = L.Dropout(top, dropout_ratio=0.5, in_place=True)
    n.score_fr = score(top)
    n.upscore2 = up(n.score_fr, 2)
    n.score_pool4 = score(pool[4])
    n.score_pool4c = crop(n.score_pool4, n.upscore2)
    n.fuse_pool4 = L.Eltwise(n.upscore2, n.score_pool4c, operation=P.Eltwise.SUM)
    n.upscore_pool4 = up(n.fuse_pool4, 2)
    n.score_pool3 = score(pool[3])
    n.score_pool3c = crop(n.score_pool3, n.upscore_pool4)
    n.fuse_pool3 = L.Eltwise(n.upscore_pool4, n.score_pool3c, operation=P.Eltwise.SUM)
    n.upscore8 = up(n.fuse_pool3, 8)
    n.score = crop(n.upscore8, n.data)
    return n.to_proto()


def conv(n: caffe.NetSpec, name: str, bottom: Any, outputs: int, **window: int) -> Any:
    """Return a convolution, rectified in place."""
    n[name] = L.Convolution(bottom, num_output=outputs, stride=1, **window, **LEARN)
    relu = name.replace("conv", "relu").replace("fc", "relu")
    n[relu] = L.ReLU(n[name], in_place=True)
    return n[relu]


def score(bottom: Any) -> Any:
    """Return how much each place looks like each class."""
    return L.Convolution(bottom, num_output=CLASSES, kernel_size=1, pad=0, **LEARN)


def up(bottom: Any, factor: int) -> Any:
    """Return a blob so many times as large."""
    window = dict(kernel_size=2 * factor, stride=factor, bias_term=False)
    return L.Deconvolution(bottom, convolution_param=dict(num_output=CLASSES, **window), **FIXED)


if __name__ == "__main__":
    print('name: "FCN-8s"', fcn8s(), sep="\n")
