"""LSTM, RNN and LSTMUnit: what is carried over, what gets a gradient, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import CaffeError, LayerError, NetError
from caffe_core.layer import Phase
from caffe_core.net import Net

FILLED = "weight_filler { type: 'gaussian' std: 0.5 } bias_filler { type: 'gaussian' std: 0.5 }"
UNITS, INPUTS, STREAMS = 3, 4, 2


def inputs(**shapes):
    return "".join(
        f"layer {{ name: '{name}' type: 'Input' top: '{name}' input_param {{ shape {{ "
        + " ".join(f"dim: {length}" for length in shape)
        + " } } }\n"
        for name, shape in shapes.items()
    )


def layer(kind, bottoms, tops=("h",), more="", params=f"num_output: {UNITS} {FILLED}"):
    connections = "".join(f" bottom: '{each}'" for each in bottoms)
    connections += "".join(f" top: '{each}'" for each in tops)
    return (
        f"layer {{ name: 'r' type: '{kind}' {connections} {more} recurrent_param {{ {params} }} }}"
    )


def plain(kind, steps, streams=STREAMS, more="", after=""):
    shapes = inputs(x=(steps, streams, INPUTS), cont=(steps, streams))
    return Net(shapes + layer(kind, ("x", "cont"), more=more) + after, Phase.TRAIN, seed=7)


def sequence(steps, streams=STREAMS):
    return np.random.default_rng(0).standard_normal((steps, streams, INPUTS))


def run(net, x, cont=1.0):
    net.blobs["x"].data[...] = x
    net.blobs["cont"].data[...] = cont
    net.forward()
    return net.blobs["h"].data.copy()


kinds = pytest.mark.parametrize("kind", ["LSTM", "RNN"])


@kinds
def test_a_sequence_goes_on_in_the_next_forward(kind):
    x = sequence(6)
    whole = run(plain(kind, 6), x)
    parts = plain(kind, 2)
    found = np.concatenate([run(parts, x[start : start + 2]) for start in (0, 2, 4)])
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-6)


@kinds
def test_a_sequence_begins_where_cont_is_0(kind):
    x, net = sequence(3), plain(kind, 3)
    first = run(net, x)
    assert not np.allclose(run(net, x), first)
    cont = np.ones((3, STREAMS))
    cont[0, 1] = 0
    again = run(net, x, cont)
    assert not np.allclose(again[:, 0], first[:, 0])
    np.testing.assert_allclose(again[:, 1], first[:, 1], rtol=1e-5, atol=1e-6)


@kinds
def test_a_restored_net_goes_on_as_the_saved_one(kind):
    x, net = sequence(3), plain(kind, 3)
    run(net, x)
    state = net.state()
    expected = run(net, x)
    other = plain(kind, 3)
    other.restore(state)
    np.testing.assert_array_equal(run(other, x), expected)


@kinds
def test_reset_forgets(kind):
    x, net = sequence(3), plain(kind, 3)
    first = run(net, x)
    net.layers["r"].reset()
    np.testing.assert_array_equal(run(net, x), first)


@kinds
def test_a_state_of_another_number_of_streams_is_forgotten(kind):
    net = plain(kind, 3)
    run(net, sequence(3))
    other = plain(kind, 3, streams=5)
    first = run(other, sequence(3, 5))
    other.restore(net.state())
    np.testing.assert_array_equal(run(other, sequence(3, 5)), first)


@kinds
def test_steps_and_streams_may_change(kind):
    net = plain(kind, 3)
    run(net, sequence(3))
    net.blobs["x"].reshape(5, 1, INPUTS)
    net.blobs["cont"].reshape(5, 1)
    x = sequence(5, 1)
    expected = run(plain(kind, 5, streams=1), x, 0.0)
    np.testing.assert_allclose(run(net, x, 0.0), expected, rtol=1e-5, atol=1e-6)


def exposed(kind, steps):
    """A net whose first states are made of the inputs s and t by layers that learn."""
    states = {"LSTM": ["h0", "c0"], "RNN": ["h0"]}[kind]
    state = (1, STREAMS, UNITS)
    text = inputs(x=(steps, STREAMS, INPUTS), cont=(steps, STREAMS), s=state, t=state)
    text += "".join(
        f"layer {{ name: '{name}' type: 'InnerProduct' bottom: '{below}' top: '{name}' "
        f"inner_product_param {{ num_output: {UNITS} axis: 2 }} }}"
        for name, below in zip(states, "st", strict=False)
    )
    last = [name.replace("0", "T") for name in states]
    params = f"num_output: {UNITS} {FILLED} expose_hidden: true"
    text += layer(kind, ("x", "cont", *states), ("h", *last), "loss_weight: 1", params)
    net = Net(text, Phase.TRAIN, seed=7)
    for name in states:
        net.params[name][0].data[...] = np.eye(UNITS)
    return net, states, last


@kinds
def test_exposed_states_are_what_is_carried_otherwise(kind):
    x, hidden = sequence(4), plain(kind, 2)
    expected = [run(hidden, x[:2]), run(hidden, x[2:])]
    net, _, last = exposed(kind, 2)
    net.share_trained_layers_with(hidden)
    np.testing.assert_allclose(run(net, x[:2]), expected[0], rtol=1e-5, atol=1e-6)
    for below, name in zip("st", last, strict=False):
        net.blobs[below].data[...] = net.blobs[name].data
    np.testing.assert_allclose(run(net, x[2:]), expected[1], rtol=1e-5, atol=1e-6)
    assert not net.layers["r"].carried


@kinds
def test_exposed_states_get_a_gradient_of_zero(kind):
    net, states, last = exposed(kind, 2)
    run(net, sequence(2))
    for name in (*states, *last):
        net.blobs[name].diff[...] = 9
    net.backward()
    assert all((net.blobs[name].diff == 0).all() for name in states)
    assert all((blob.diff == 0).all() for name in states for blob in net.params[name])
    assert all((blob.diff != 0).any() for blob in net.params["r"])


@kinds
def test_a_layer_above_may_work_in_place(kind):
    x = sequence(3)
    double = (
        "layer {{ name: 'p' type: 'Power' bottom: 'h' top: '{}' loss_weight: 1 "
        "power_param {{ scale: 2 }} }}"
    )
    nets = [plain(kind, 3, after=double.format(top)) for top in ("h", "p")]
    for net in nets:
        net.share_trained_layers_with(nets[0])
        run(net, x)
        net.clear_param_diffs()
        net.backward()
        np.testing.assert_array_equal(net.blobs["x"].diff, nets[0].blobs["x"].diff)
    assert (nets[0].blobs["x"].diff != 0).all()


@kinds
def test_the_input_gets_a_gradient_as_in_caffe_unless_told_otherwise(kind):
    diffs = {}
    for more in ("", "propagate_down: true propagate_down: false", "propagate_down: false " * 2):
        net = plain(kind, 3, more=f"loss_weight: 1 {more}")
        run(net, sequence(3))
        net.backward()
        diffs[more] = net.blobs["x"].diff.any()
    assert list(diffs.values()) == [True, True, False]


def test_cont_has_no_gradient():
    text = inputs(x=(2, STREAMS, INPUTS), k=(2, STREAMS))
    text += "layer { name: 'cont' type: 'InnerProduct' bottom: 'k' top: 'cont' "
    text += f"inner_product_param {{ num_output: {STREAMS} }} }}"
    net = Net(text + layer("RNN", ("x", "cont"), more="loss_weight: 1"), Phase.TRAIN)
    net.forward()
    with pytest.raises(LayerError, match=r"r \(RNN\): bottom 'cont' is asked for a gradient"):
        net.backward()


SHAPES = {"x": (3, 2, 4), "cont": (3, 2), "s": (2, 5), "h0": (1, 2, 3), "c0": (1, 2, 3)}


@pytest.mark.parametrize(
    ("names", "params", "changed", "message"),
    [
        (["x", "cont"], "", {}, "num_output must be at least 1"),
        (["x", "cont"], "num_output: 3", {"x": (6,)}, r"'x' has shape \(6,\), expected time"),
        (["x", "cont"], "num_output: 3", {"cont": (3, 2, 1)}, r"'cont' .* expected \(3, 2\)"),
        (["x", "cont"], "num_output: 3", {"cont": (2, 3)}, r"'cont' .* expected \(3, 2\)"),
        (["x", "cont", "s"], "num_output: 3", {"s": (3, 2, 5)}, r"'s' .* expected \(2, \.\.\.\)"),
        (
            ["x", "cont", "h0", "c0"],
            "num_output: 3 expose_hidden: true",
            {"c0": (2, 3)},
            r"'c0' has shape \(2, 3\), expected \(1, 2, 3\)",
        ),
    ],
)
def test_refusals(names, params, changed, message):
    shapes = {name: SHAPES[name] for name in names} | changed
    tops = ("h", "hT", "cT") if "expose" in params else ("h",)
    with pytest.raises(LayerError, match=rf"r \(LSTM\): .*{message}"):
        Net(inputs(**shapes) + layer("LSTM", names, tops, params=params))


@pytest.mark.parametrize(("kind", "wanted"), [("LSTM", "4 to 5"), ("RNN", "3 to 4")])
def test_exposed_states_must_be_connected(kind, wanted):
    text = inputs(x=SHAPES["x"], cont=SHAPES["cont"])
    text += layer(kind, ("x", "cont"), params="num_output: 3 expose_hidden: true")
    with pytest.raises(NetError, match=rf"r \({kind}\): takes {wanted} bottoms, has 2"):
        Net(text)


def test_what_a_step_reads_must_stay_as_much():
    net = plain("LSTM", 3)
    net.blobs["x"].reshape(3, STREAMS, 7)
    with pytest.raises(CaffeError, match=r"takes 4 numbers, bottom 'x' .* gives each step 7"):
        net.forward()


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 3, 4), (2, 3, 16), (2, 3)), r"'a' has shape \(2, 3, 4\), expected \(1, N, D\)"),
        (((1, 3, 4), (1, 3, 12), (1, 3)), r"'b' has shape \(1, 3, 12\), expected \(1, 3, 16\)"),
        (((1, 3, 4), (1, 3, 16), (3,)), r"'c' has shape \(3,\), expected \(1, 3\)"),
    ],
)
def test_lstm_unit_refusals(shapes, message):
    text = inputs(**dict(zip("abc", shapes, strict=True)))
    text += "layer { name: 'u' type: 'LSTMUnit' bottom: 'a' bottom: 'b' bottom: 'c' "
    with pytest.raises(LayerError, match=rf"u \(LSTMUnit\): bottom {message}"):
        Net(text + "top: 'd' top: 'e' }")


def test_lstm_is_lstm_units_in_a_row():
    """The gates computed by hand, the cells by LSTMUnit, with a sequence that begins amidst."""
    x, net = sequence(3), plain("LSTM", 3)
    cont = np.array([[0, 1], [1, 0], [1, 1]])
    expected = run(net, x, cont)
    w_x, bias, w_h = (blob.data for blob in net.params["r"])
    state = (1, STREAMS, UNITS)
    unit = Net(
        inputs(c=state, gates=(1, STREAMS, 4 * UNITS), cont=(1, STREAMS))
        + "layer { name: 'u' type: 'LSTMUnit' bottom: 'c' bottom: 'gates' bottom: 'cont' "
        "top: 'c1' top: 'h1' }"
    )
    h = np.zeros(state)
    for step in range(3):
        unit.blobs["cont"].data[...] = cont[step]
        gates = x[step] @ w_x.T + bias + (h[0] * cont[step][:, None]) @ w_h.T
        unit.blobs["gates"].data[...] = gates
        unit.forward()
        h = unit.blobs["h1"].data
        unit.blobs["c"].data[...] = unit.blobs["c1"].data
        np.testing.assert_allclose(h[0], expected[step], rtol=1e-5, atol=1e-6)
