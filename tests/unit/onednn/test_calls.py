"""A forward pass that leaves out what changed nothing last time notices all that does change."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("caffe_engine_onednn")

from caffe_engine_onednn.library import missing

from caffe_core.net import Net
from caffe_core.tensor import Head

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

NET = """
layer { name: "in" type: "Input" top: "x"
  input_param { shape { dim: 2 dim: 16 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
  convolution_param { num_output: 32 kernel_size: 3 weight_filler { type: "msra" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""
TOLERANCE = {"float32": 1e-4, "bf16": 3e-2}


@pytest.fixture(params=["float32", "bf16"])
def pair(request):
    """A net that has settled, and one that computes all in NumPy; both with the same content."""
    settled = Net(NET, seed=1, keep=[], memory_format="auto", precision=request.param)
    plain = Net(NET, seed=1, engines=["caffe"])
    for net in (settled, plain):
        normalize(net)
        fill(net, 0)
    for _ in range(3):
        settled.forward()
    assert is_settled(settled)
    return settled, plain, TOLERANCE[request.param]


def is_settled(net):
    """Whether the last pass left out what it could."""
    program = net._executor._program
    return program is not None and program.alarm.quiet and program.is_used


def normalize(net):
    """Let statistics be of mean 0 and variance 1."""
    net.params["bn"][2].data[...] = 1
    net.params["bn"][1].data[...] = 1


def fill(net, seed):
    x = net.blobs["x"]
    x.data[...] = np.random.default_rng(seed).standard_normal(x.shape)


def agree(pair):
    settled, plain, tolerance = pair
    for net in (settled, plain):
        net.forward()
    found, expected = (net.blobs["prob"].read() for net in (settled, plain))
    np.testing.assert_allclose(found, expected, atol=tolerance)
    return np.array(expected)


def test_new_inputs_are_seen(pair):
    first = agree(pair)
    for seed in (1, 2, 3):
        for net in pair[:2]:
            fill(net, seed)
        assert np.abs(agree(pair) - first).max() > pair[2]


@pytest.mark.parametrize(("layer", "index"), [("conv", 0), ("bn", 0), ("scale", 1), ("ip", 0)])
def test_changed_weights_are_seen(pair, layer, index):
    for factor in (0.6, -0.5):
        before = agree(pair)
        for net in pair[:2]:
            array = net.params[layer][index].data
            array.reshape(-1)[::7] += factor
            del array
        assert np.abs(agree(pair) - before).max() > pair[2]
        agree(pair)


def test_weights_that_change_through_an_array_somebody_holds_are_seen(pair):
    held = [net.params["ip"][0].data for net in pair[:2]]
    agree(pair)
    for _ in range(3):
        for array in held:
            array[:5] *= -2
        agree(pair)
    del held, array
    agree(pair)
    agree(pair)
    assert is_settled(pair[0])


def test_other_shapes_are_seen(pair):
    for items in (5, 1, 2):
        for net in pair[:2]:
            net.blobs["x"].reshape(items, 16, 8, 8)
            fill(net, items)
        assert agree(pair).shape == (items, 10)
        agree(pair)


def test_weights_shared_with_another_net_are_seen(pair):
    settled, plain, _ = pair
    other = Net(NET, seed=7, engines=["caffe"])
    normalize(other)
    for net in (settled, plain):
        net.share_trained_layers_with(other)
    agree(pair)
    agree(pair)
    other.params["conv"][0].data[...] *= -1
    agree(pair)


def test_a_blob_read_between_passes_is_current_after_the_next():
    net = Net(NET, seed=1, memory_format="auto", precision="bf16")
    plain = Net(NET, seed=1, engines=["caffe"])
    for seed in range(5):
        for each in (net, plain):
            normalize(each)
            fill(each, seed)
            each.forward()
        found, expected = (each.blobs["pool"].read() for each in (net, plain))
        np.testing.assert_allclose(found, expected, atol=0.1)
    assert net.blobs["pool"].data_tensor.head in (Head.HOST, Head.BOTH)
