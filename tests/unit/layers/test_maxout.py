"""Maxout: which channels meet, who gets the gradient, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}
layer {{ name: "max" type: "Maxout" bottom: "x" top: "y" {params} }}
"""


def build(params="", shape=(2, 6), **options):
    dims = " ".join(f"dim: {dim}" for dim in shape)
    return Net(NET.format(params=params, dims=dims), Phase.TRAIN, **options)


def run(x, params="", **options):
    """Return the top, and the bottom's diff for 1, 2, 3, ... in the top's."""
    net = build(params, np.shape(x), **options)
    net.blobs["x"].data[...] = x
    net.forward()
    top = net.blobs["y"]
    top.diff[...] = np.arange(1, top.count + 1).reshape(top.shape)
    net.backward()
    return top.data.copy(), net.blobs["x"].diff.copy()


def test_channels_that_follow_one_another_meet():
    y, dx = run([[1, 4, 3, 2, -5, -6]])
    np.testing.assert_array_equal(y, [[4, 3, -5]])
    np.testing.assert_array_equal(dx, [[0, 1, 2, 0, 3, 0]])


def test_the_first_of_equals_gets_the_gradient():
    y, dx = run([[0, 2, 2, 1, 1, 1]], "maxout_param { pieces: 3 }")
    np.testing.assert_array_equal(y, [[2, 1]])
    np.testing.assert_array_equal(dx, [[0, 1, 0, 2, 0, 0]])


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_any_axis(axis, memory_format):
    x = np.random.default_rng(0).normal(size=(4, 8, 4, 4)).astype(np.float32)
    y, dx = run(x, f"maxout_param {{ pieces: 4 axis: {axis} }}", memory_format=memory_format)
    groups = np.moveaxis(x, axis, -1)
    groups = groups.reshape(*groups.shape[:-1], -1, 4)
    np.testing.assert_array_equal(np.moveaxis(y, axis, -1), groups.max(-1))
    dx = np.moveaxis(dx, axis, -1).reshape(groups.shape)
    np.testing.assert_array_equal(dx.argmax(-1), groups.argmax(-1))
    assert ((dx != 0).sum(-1) == 1).all()
    assert dx.sum() == np.arange(1, y.size + 1).sum()


def test_one_piece_is_a_copy():
    y, dx = run([[3, 1]], "maxout_param { pieces: 1 }")
    np.testing.assert_array_equal(y, [[3, 1]])
    np.testing.assert_array_equal(dx, [[1, 2]])


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ("maxout_param { pieces: 0 }", "pieces is 0; expected at least 1"),
        (
            "maxout_param { pieces: 4 }",
            "bottom 'x' (2, 6) cannot be divided along axis 1 by 4 pieces; "
            "change pieces, or the num_output below",
        ),
        ("maxout_param { axis: 2 }", "axis 2 is out of range for a blob of 2 axes (2, 6)"),
    ],
)
def test_refused(params, problem):
    with pytest.raises(LayerError) as caught:
        build(params)
    assert str(caught.value) == f"max (Maxout): {problem}"


def test_a_net_for_testing_keeps_no_marks():
    net = Net(NET.format(params="", dims="dim: 2 dim: 6").replace("true", "false"))
    net.forward()
    assert net.nodes[1].kernel.free is None
