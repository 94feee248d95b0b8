"""Neuron layers: their corners, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

from caffe_core.errors import LayerError, NetError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}
layer {{ name: "act" type: "{type}" bottom: "x" top: "{top}" {params} }}
"""
X = [-2.5, -1.0, -0.25, 0.0, 0.25, 1.0, 2.5, 7.0]
FAR = [-1e4, -90.0, 90.0, 1e4]


def build(type_name, params="", shape=(1, 8), top="y", **options):
    dims = " ".join(f"dim: {dim}" for dim in shape)
    net = NET.format(type=type_name, params=params, dims=dims, top=top)
    return Net(net, Phase.TRAIN, **options)


def run(type_name, params="", values=X, top="y", **options):
    """Return the top, and the bottom's diff for ones in the top's."""
    net = build(type_name, params, (1, len(values)), top, **options)
    net.blobs["x"].data[...] = values
    net.forward()
    result = net.blobs[top].data[0].copy()
    net.blobs[top].diff[...] = 1
    net.backward()
    return result, net.blobs["x"].diff[0].copy()


@pytest.mark.parametrize(
    ("type_name", "params"),
    [
        ("BNLL", ""),
        ("Clip", "clip_param { min: -1 max: 1 }"),
        ("ELU", ""),
        ("ELU", "elu_param { alpha: -0.5 }"),
        ("Exp", "exp_param { base: 2 scale: 0.5 }"),
        ("HardSigmoid", ""),
        ("HardSigmoid", "hard_sigmoid_param { alpha: -0.5 beta: 0.25 }"),
        ("Log", "log_param { shift: 4 base: 2 }"),
        ("PReLU", ""),
        ("Power", "power_param { power: 2 }"),
        ("Power", "power_param { power: 3 }"),
        ("Power", "power_param { power: 4 shift: 1 }"),
        ("Power", "power_param { power: -1 shift: 10 }"),
        ("Power", "power_param { scale: 2 shift: 1 }"),
        ("ReLU6", ""),
        ("Sigmoid", ""),
        ("Swish", ""),
        ("TanH", ""),
        ("Threshold", ""),
    ],
)
def test_what_caffe_runs_in_place_has_right_results_and_gradients_there(type_name, params):
    expected, gradient = run(type_name, params)
    result, diff = run(type_name, params, top="x")
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    np.testing.assert_allclose(diff, gradient, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "params", ["power_param { power: 3 }", "power_param { power: 5 shift: 1 }"]
)
def test_a_power_in_place_needs_no_copy_where_there_is_no_backward(params):
    net = Net(
        NET.replace("true", "false").format(type="Power", params=params, top="x", dims="dim: 8")
    )
    net.blobs["x"].data[...] = X
    net.forward()
    np.testing.assert_allclose(net.blobs["x"].data, run("Power", params)[0], rtol=1e-6)


@pytest.mark.parametrize("type_name", ["AbsVal", "GELU"])
def test_these_refuse_to_run_in_place(type_name):
    with pytest.raises(NetError, match=rf"^act \({type_name}\): cannot run in place"):
        build(type_name, top="x")


@pytest.mark.parametrize(
    ("type_name", "params", "result", "gradient"),
    [
        ("BNLL", "", [0, 0, 90, 1e4], [0, 0, 1, 1]),
        ("Sigmoid", "", [0, 0, 1, 1], [0, 0, 0, 0]),
        ("Swish", "", [0, 0, 90, 1e4], [0, 0, 1, 1]),
        ("ELU", "", [-1, -1, 90, 1e4], [0, 0, 1, 1]),
        ("TanH", "", [-1, -1, 1, 1], [0, 0, 0, 0]),
        ("GELU", "", [0, 0, 90, 1e4], [0, 0, 1, 1]),
    ],
)
def test_far_from_zero_nothing_overflows(type_name, params, result, gradient):
    found, diff = run(type_name, params, FAR)
    np.testing.assert_allclose(found, result, atol=1e-6)
    np.testing.assert_allclose(diff, gradient, atol=1e-6)


def test_bnll_keeps_its_digits_where_it_is_tiny():
    result, diff = run("BNLL", values=[-20.0, -40.0])
    expected = np.exp([-20.0, -40.0])
    np.testing.assert_allclose(result, expected, rtol=1e-5)
    np.testing.assert_allclose(diff, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("params", "reads"),
    [
        ("", set()),
        ("power_param { scale: 3 shift: 1 }", set()),
        ("power_param { power: 2 scale: 0 }", set()),
        ("power_param { power: 0 }", set()),
        ("power_param { power: 2 }", {"bottom"}),
        ("power_param { power: 2.5 }", {"bottom"}),
        ("power_param { power: 0.5 }", {"bottom", "top"}),
    ],
)
def test_power_says_what_its_backward_reads(params, reads):
    assert build("Power", params).layers["act"].facts.backward_reads == reads


@pytest.mark.parametrize(("power", "gradient"), [(2, 0), (3, 0), (1.5, 0), (1, 1)])
def test_the_gradient_of_a_power_at_zero_is_a_number(power, gradient):
    assert run("Power", f"power_param {{ power: {power} }}", [0.0])[1] == [gradient]


def test_a_power_with_scale_0_is_constant_for_any_bottom():
    values = [1.0, math.inf, math.nan]
    result, diff = run("Power", "power_param { power: 2 scale: 0 shift: 3 }", values)
    assert result.tolist() == [9, 9, 9]
    assert diff.tolist() == [0, 0, 0]


@pytest.mark.parametrize(("alpha", "reads"), [(1, "top"), (0, "top"), (-0.5, "bottom")])
def test_elu_says_what_its_backward_reads(alpha, reads):
    net = build("ELU", f"elu_param {{ alpha: {alpha} }}")
    assert net.layers["act"].facts.backward_reads == {reads}


def test_the_bounds_of_clip_pass_the_gradient_and_those_of_relu6_do_not():
    values = [-0.5, 0.0, 3.0, 6.0, 6.5]
    clipped, diff = run("Clip", "clip_param { min: 0 max: 6 }", values)
    assert clipped.tolist() == [0, 0, 3, 6, 6]
    assert diff.tolist() == [0, 1, 1, 1, 0]
    clipped, diff = run("ReLU6", "", values)
    assert clipped.tolist() == [0, 0, 3, 6, 6]
    assert diff.tolist() == [0, 0, 1, 0, 0]


def test_hard_sigmoid_is_a_line_between_0_and_1():
    result, diff = run("HardSigmoid", "", [-3.0, -1.0, 0.0, 2.0, 3.0])
    np.testing.assert_allclose(result, [0, 0.3, 0.5, 0.9, 1], rtol=1e-6)
    np.testing.assert_allclose(diff, [0, 0.2, 0.2, 0.2, 0], rtol=1e-6)


def test_hard_sigmoid_s_line_may_be_another():
    params = "hard_sigmoid_param { alpha: -0.5 beta: 0.25 }"
    result, diff = run("HardSigmoid", params, [-3.0, -1.0, 0.0, 2.0])
    np.testing.assert_allclose(result, [1, 0.75, 0.25, 0])
    np.testing.assert_allclose(diff, [0, -0.5, -0.5, 0])


def test_gelu_is_close_to_its_form_with_the_error_function():
    values = np.linspace(-5, 5, 101)
    exact = [x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in values]
    np.testing.assert_allclose(run("GELU", "", values)[0], exact, atol=5e-4)


def test_a_step_has_no_slope():
    result, diff = run("Threshold", "threshold_param { threshold: 0.25 }")
    assert result.tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert diff.tolist() == [0] * 8


def test_the_slopes_of_prelu_start_as_a_quarter_or_as_the_filler_says():
    assert build("PReLU", shape=(2, 3)).params["act"][0].data.tolist() == [0.25] * 3
    shared = 'prelu_param { channel_shared: true filler { type: "constant" value: 0.5 } }'
    slope = build("PReLU", shared, shape=(2, 3)).params["act"][0]
    assert slope.shape == ()
    assert slope.data == 0.5


@pytest.mark.parametrize(
    ("type_name", "params", "message"),
    [
        ("Exp", "exp_param { base: 0 }", "base must be positive, or -1 for e, got 0; change"),
        ("Exp", "exp_param { base: inf }", "base must be positive, or -1 for e, got inf; change"),
        ("Log", "log_param { base: -2 }", "base must be positive and not 1, or -1 for e, got -2"),
        ("Log", "log_param { base: 1 }", "base must be positive and not 1, or -1 for e, got 1"),
        ("Clip", "", "clip_param is missing; give it `min` and `max`"),
    ],
)
def test_parameters_without_a_meaning_are_refused(type_name, params, message):
    with pytest.raises(LayerError, match=rf"^act \({type_name}\): {message}"):
        build(type_name, params)


def test_prelu_needs_channels():
    with pytest.raises(LayerError, match=r"^act \(PReLU\): needs at least 2 axes.*\(8,\)"):
        build("PReLU", shape=(8,))


def test_the_channels_of_prelu_must_stay():
    net = build("PReLU", shape=(2, 3))
    net.blobs["x"].reshape(2, 4)
    with pytest.raises(
        LayerError, match=r"^act \(PReLU\): has 3 slopes, bottom 'x' \(2, 4\) has 4"
    ):
        net.forward()
    shared = build("PReLU", "prelu_param { channel_shared: true }", shape=(2, 3))
    shared.blobs["x"].reshape(2, 4)
    shared.forward()
    assert shared.blobs["y"].shape == (2, 4)
