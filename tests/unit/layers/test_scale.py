"""Bias and Scale: where the factor lies, what it starts as, and what they keep in place."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net


@pytest.mark.parametrize(
    ("param", "shape"),
    [
        ("", (3,)),
        ("axis: 0", (2,)),
        ("axis: -1", (5,)),
        ("num_axes: 2", (3, 4)),
        ("num_axes: -1", (3, 4, 5)),
        ("axis: 0 num_axes: -1", (2, 3, 4, 5)),
        ("num_axes: 0", ()),
    ],
)
def test_the_shape_of_what_is_learned(one_layer, param, shape):
    scale = f"type: 'Scale' scale_param {{ bias_term: true {param} }}"
    assert [blob.shape for blob in one_layer(scale, (2, 3, 4, 5)).params["it"]] == [shape, shape]
    bias = f"type: 'Bias' bias_param {{ {param} }}"
    assert [blob.shape for blob in one_layer(bias, (2, 3, 4, 5)).params["it"]] == [shape]


def test_a_single_number_fits_a_bottom_without_that_axis(one_layer):
    assert one_layer("type: 'Scale' scale_param { num_axes: 0 }", (4,)).params["it"][0].shape == ()
    net = one_layer("type: 'Bias'", (4,), ())
    net.blobs["x1"].data[...] = 3
    net.forward()
    assert net.blobs["y0"].data.tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("filler", "factor", "bias"),
    [
        ("", 1, 0),
        ("filler { value: 2 } bias_filler { value: 3 }", 2, 3),
        ("filler {}", 0, 0),
        ('filler { type: "constant" }', 0, 0),
    ],
)
def test_what_factor_and_bias_start_as(one_layer, filler, factor, bias):
    net = one_layer(f"type: 'Scale' scale_param {{ bias_term: true {filler} }}", (2, 3))
    assert [blob.data.tolist() for blob in net.params["it"]] == [[factor] * 3, [bias] * 3]


def test_with_a_second_bottom_only_the_bias_is_learned(one_layer):
    net = one_layer("type: 'Scale' scale_param { bias_term: true }", (2, 3, 4), (3, 4))
    assert [blob.shape for blob in net.params["it"]] == [(3, 4)]
    assert "it" not in one_layer("type: 'Scale'", (2, 3, 4), (3, 4)).params


IN_PLACE = """
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 4 dim: 3 }} }} }}
layer {{
  name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
  inner_product_param {{ num_output: 5 weight_filler {{ type: "xavier" }} }}
}}
layer {{
  name: "scale" type: "Scale" bottom: "ip" top: "{top}" {param}
  scale_param {{ bias_term: true filler {{ type: "gaussian" }} }}
}}
layer {{ name: "loss" type: "Reduction" bottom: "{top}" top: "loss" loss_weight: 1
  reduction_param {{ operation: SUMSQ }} }}
"""


def gradients(phase=Phase.TRAIN, **words):
    net = Net(IN_PLACE.format(**{"param": ""} | words), phase, seed=4)
    net.blobs["x"].data[...] = np.random.default_rng(0).standard_normal((4, 3))
    net.clear_param_diffs()
    net.forward_backward()
    kept = next(node.kernel.kept for node in net.nodes if node.name == "scale")
    return [blob.diff for blobs in net.params.values() for blob in blobs], kept


@pytest.mark.parametrize(
    ("param", "keeps"),
    [
        ("", True),
        ("param { lr_mult: 1 } param { lr_mult: 0 }", True),
        ("param { lr_mult: 0 } param { lr_mult: 0 }", False),
    ],
)
def test_in_place_gives_the_same_gradients(param, keeps):
    expected, none = gradients(top="other", param=param)
    found, kept = gradients(top="ip", param=param)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert none is None
    assert (kept is not None) == keeps


def test_nothing_is_kept_where_no_backward_follows(one_layer):
    net = one_layer("type: 'Scale'", (2, 3), top="x0", force=False, phase=Phase.TEST)
    net.forward()
    assert net.nodes[-1].kernel.kept is None


@pytest.mark.parametrize("kind", ["Bias", "Scale"])
@pytest.mark.parametrize(
    ("param", "shapes", "message"),
    [
        ("num_axes: 4", [(2, 3, 4, 5)], r"num_axes is 4 with axis 1, .* -1 for all, or up to 3"),
        ("num_axes: -2", [(2, 3)], "num_axes is -2 with axis 1"),
        ("axis: 2", [(2, 3)], "axis 2 is out of range"),
        ("", [(2, 3), (2,)], r"has shape \(2,\), bottom 'x0' \(2, 3\) has \(3,\) from axis 1 on"),
        ("", [(2, 3), (3, 1)], r"has shape \(3, 1\), bottom 'x0' \(2, 3\) has \(3,\)"),
    ],
)
def test_refusals(one_layer, kind, param, shapes, message):
    definition = f"type: '{kind}' {kind.lower()}_param {{ {param} }}"
    with pytest.raises(LayerError, match=rf"^it \({kind}\): .*{message}"):
        one_layer(definition, *shapes)


def test_what_is_learned_keeps_its_shape(one_layer):
    net = one_layer("type: 'Scale'", (2, 3))
    net.blobs["x0"].reshape(2, 4)
    message = r"^it \(Scale\): the factor has shape \(3,\), bottom 'x0' \(2, 4\) has \(4,\)"
    with pytest.raises(LayerError, match=message):
        net.forward()
