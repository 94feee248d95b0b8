from __future__ import annotations

import gc

import numpy as np
import pytest

from caffe_core.learned_blob import LearnedBlob
from caffe_core.net import Net

NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 5 dim: 5 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "y"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "ip" type: "InnerProduct" bottom: "y" top: "z"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
"""


def test_data_writes_through():
    blob = LearnedBlob((2, 3))
    blob.data[...] = 4
    blob.data[0, 1] = 5
    np.testing.assert_array_equal(blob.read(), [[4, 5, 4], [4, 4, 4]])


def test_the_version_grows_when_data_is_asked_for():
    blob = LearnedBlob((2,))
    before = blob.data_tensor.version
    _ = blob.data
    assert blob.data_tensor.version > before


@pytest.mark.parametrize("part", [lambda a: a, lambda a: a[0], lambda a: a.T, lambda a: a.ravel()])
def test_it_is_exposed_as_long_as_any_part_of_an_array_is_held(part):
    blob = LearnedBlob((2, 3))
    assert not blob.data_tensor.is_exposed
    held = part(blob.data)
    gc.collect()
    assert blob.data_tensor.is_exposed
    del held
    assert not blob.data_tensor.is_exposed


def test_whoever_shares_the_memory_knows():
    blob, other = LearnedBlob((2,)), LearnedBlob((2,))
    other.share_data(blob)
    held = blob.data
    assert other.data_tensor.is_exposed
    assert held is not None


def test_an_empty_one():
    assert LearnedBlob((0, 3)).data.shape == (0, 3)


@pytest.mark.parametrize("layer", ["conv", "ip"])
def test_what_is_written_to_an_array_held_since_long_counts_at_once(layer):
    net = Net(NET)
    net.blobs["x"].data[...] = np.random.default_rng(0).standard_normal((2, 3, 5, 5))
    row = net.params[layer][0].data[1]
    net.forward()
    before = net.blobs["z"].data.copy()
    row *= 3
    net.forward()
    assert not np.allclose(net.blobs["z"].data, before)
    expected = Net(NET, engines=("caffe",))
    expected.share_trained_layers_with(net)
    expected.blobs["x"].data[...] = net.blobs["x"].data
    expected.forward()
    np.testing.assert_allclose(net.blobs["z"].data, expected.blobs["z"].data, rtol=1e-4, atol=1e-5)
