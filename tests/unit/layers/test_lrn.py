"""LRN: the formula of the paper, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}
layer {{ name: "norm" type: "LRN" bottom: "x" top: "y" lrn_param {{ {params} }} }}
"""


def make(params, *shape):
    dims = " ".join(f"dim: {length}" for length in shape)
    return Net(NET.format(dims=dims, params=params), Phase.TEST)


def test_across_channels_is_the_formula_of_the_paper():
    net = make("local_size: 3 alpha: 0.6 beta: 0.75 k: 2", 2, 5, 2, 3)
    x = net.blobs["x"].data
    x[...] = np.random.default_rng(0).standard_normal(x.shape)
    net.forward()
    neighbours = [slice(max(0, channel - 1), channel + 2) for channel in range(5)]
    sums = np.stack([(x[:, near] ** 2).sum(axis=1) for near in neighbours], axis=1)
    np.testing.assert_allclose(net.blobs["y"].data, x / (2 + 0.2 * sums) ** 0.75, rtol=1e-5)


def test_local_size_is_odd():
    with pytest.raises(LayerError, match=r"^norm \(LRN\): local_size is 4, but must be odd"):
        make("local_size: 4", 1, 3, 2, 2)


def test_images_have_four_axes():
    with pytest.raises(LayerError, match=r"bottom 'x' has shape \(2, 3, 4\), expected 4 axes"):
        make("", 2, 3, 4)
