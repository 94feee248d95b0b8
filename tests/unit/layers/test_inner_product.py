"""InnerProduct: refusals, and the cutting of a large weight."""

from __future__ import annotations

import caffe_layer_inner_product
import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: {items} dim: 6 }} }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param {{ {params} }}
  loss_weight: 1 }}
"""


def make(params="num_output: 5 weight_filler { type: 'xavier' }", items=3):
    return Net(NET.format(params=params, items=items), Phase.TRAIN, seed=1)


@pytest.mark.parametrize("transpose", ["false", "true"])
@pytest.mark.parametrize("band", [1, 7, 12, 1000])
def test_the_gradient_does_not_depend_on_how_the_weight_is_cut(monkeypatch, band, transpose):
    monkeypatch.setattr(caffe_layer_inner_product, "_BAND", band)
    net = make(f"num_output: 5 transpose: {transpose}")
    x = net.blobs["x"].data
    x[...] = np.arange(18).reshape(3, 6)
    net.forward_backward()
    expected = np.outer(np.ones(5), x.sum(axis=0))
    found = net.params["ip"][0].diff
    np.testing.assert_array_equal(found, expected.T if transpose == "true" else expected)


def test_no_items_are_no_trouble():
    net = make(items=0)
    net.forward_backward()
    assert net.blobs["y"].shape == (0, 5)
    assert (net.params["ip"][0].diff == 0).all()


def test_outputs_must_be_given():
    with pytest.raises(
        LayerError, match=r"^ip \(InnerProduct\): num_output must be at least 1; set"
    ):
        make("bias_term: false")


def test_the_number_of_inputs_is_fixed():
    net = make()
    net.blobs["x"].reshape(3, 7)
    message = r"the weight takes 6 inputs, bottom 'x' \(3, 7\) has 7 from axis 1 on"
    with pytest.raises(LayerError, match=message):
        net.forward()
