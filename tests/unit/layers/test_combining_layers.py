"""Concat, Eltwise, Silence and Softmax: what they refuse, and corners of their arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.net import Net

INPUT = """
layer {{ name: "in{i}" type: "Input" top: "x{i}" input_param {{ shape {{ {dims} }} }} }}
"""


def make(layer, *shapes, top='top: "y"'):
    inputs = [
        INPUT.format(i=i, dims=" ".join(f"dim: {dim}" for dim in shape))
        for i, shape in enumerate(shapes)
    ]
    bottoms = " ".join(f'bottom: "x{i}"' for i in range(len(shapes)))
    return Net(
        "".join(inputs) + f'layer {{ name: "it" {bottoms} {top} {layer} }} force_backward: true'
    )


@pytest.mark.parametrize(
    ("layer", "shapes", "message"),
    [
        (
            "type: 'Concat'",
            [(2, 3), (4, 3)],
            r"agree outside axis 1: 'x0' is \(2, 3\), 'x1' is \(4, 3\)",
        ),
        ("type: 'Concat'", [(2, 3), (2, 3, 1)], r"'x1' is \(2, 3, 1\); change one"),
        (
            "type: 'Concat' concat_param { axis: 1 concat_dim: 1 }",
            [(2, 3), (2, 3)],
            "axis and concat_dim are both given; remove concat_dim",
        ),
        ("type: 'Concat' concat_param { axis: 2 }", [(2, 3), (2, 3)], "axis 2 is out of range"),
        ("type: 'Softmax' softmax_param { axis: -3 }", [(2, 3)], "axis -3 is out of range"),
        ("type: 'Eltwise'", [(2, 3), (3, 2)], r"one shape: 'x0' is \(2, 3\), 'x1' is \(3, 2\)"),
        (
            "type: 'Eltwise' eltwise_param { coeff: 1 }",
            [(2,), (2,)],
            "coeff is given 1 times for 2 bottoms",
        ),
        (
            "type: 'Eltwise' eltwise_param { operation: PROD coeff: 1 coeff: 1 }",
            [(2,), (2,)],
            "coeff is for SUM, operation is PROD",
        ),
    ],
)
def test_refusals(layer, shapes, message):
    with pytest.raises(LayerError, match=rf"^it \(\w+\): .*{message}"):
        make(layer, *shapes)


@pytest.mark.parametrize("type", ["Softmax", "Concat"])
def test_no_items_are_no_trouble(type):
    net = make(f"type: '{type}'", (0, 5))
    net.forward_backward()
    assert net.blobs["y"].shape == (0, 5)


def test_a_single_bottom_of_concat_is_not_copied():
    net = make("type: 'Concat'", (2, 3))
    net.blobs["x0"].data[...] = 4
    assert (net.blobs["y"].data == 4).all()


def test_a_quotient_of_zeros_is_nan_without_a_warning():
    net = make(
        "type: 'Eltwise' eltwise_param { operation: PROD stable_prod_grad: false }", (2,), (2,)
    )
    net.blobs["x0"].data[...] = [0, 2]
    net.blobs["x1"].data[...] = [3, 5]
    net.blobs["y"].diff[...] = 1
    net.forward_backward()
    np.testing.assert_array_equal(net.blobs["x0"].diff, [np.nan, 5])
    np.testing.assert_array_equal(net.blobs["x1"].diff, [0, 2])


def test_a_maximum_of_more_bottoms_than_a_byte_counts():
    net = make("type: 'Eltwise' eltwise_param { operation: MAX }", *[(1,)] * 300)
    net.blobs["x290"].data[...] = 1
    net.blobs["y"].diff[...] = 1
    net.forward_backward()
    assert [i for i in range(300) if net.blobs[f"x{i}"].diff[0]] == [290]


def test_a_silenced_blob_is_no_output():
    assert make("type: 'Silence'", (2, 3), top="").outputs == []
