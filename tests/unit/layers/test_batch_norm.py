"""BatchNorm: whose statistics, when they change, and what nobody may learn."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core import portions
from caffe_core.errors import CaffeError, LayerError, NetError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}
layer {{ name: "bn" type: "BatchNorm" bottom: "x" top: "{top}" {params} }}
"""
GLOBAL = "batch_norm_param { use_global_stats: true }"
OWN = "batch_norm_param { use_global_stats: false }"


def make(params="", shape=(4, 3, 2, 5), phase=Phase.TRAIN, top="y", more="", **options):
    dims = " ".join(f"dim: {length}" for length in shape)
    net = Net(NET.format(params=params, dims=dims, top=top) + more, phase, **options)
    net.blobs["x"].data[...] = np.random.default_rng(7).standard_normal(shape) * 2 + 5
    return net


def statistics(net):
    return [blob.data.copy() for blob in net.params["bn"]]


def gradient(net, top="y"):
    net.forward()
    blob = net.blobs[top]
    result = blob.data.copy()
    blob.diff[...] = np.random.default_rng(8).standard_normal(blob.shape)
    net.backward()
    return result, net.blobs["x"].diff.copy()


@pytest.mark.parametrize(
    ("phase", "params", "changes"),
    [
        (Phase.TRAIN, "", True),
        (Phase.TEST, "", False),
        (Phase.TRAIN, GLOBAL, False),
        (Phase.TEST, OWN, True),
    ],
)
def test_statistics_change_where_they_are_not_used(phase, params, changes):
    net = make(params, phase=phase)
    net.forward()
    assert any(blob.any() for blob in statistics(net)) == changes


def test_statistics_are_sums_that_fade():
    net = make("batch_norm_param { moving_average_fraction: 0.5 }", dtype=np.float64)
    x = net.blobs["x"].data
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), ddof=1)
    net.forward()
    net.forward()
    for found, expected in zip(statistics(net), (1.5 * mean, 1.5 * variance, [1.5]), strict=True):
        np.testing.assert_allclose(found, expected)


def test_one_value_a_channel_has_no_unbiased_variance():
    net = make(shape=(1, 3))
    net.forward()
    assert not net.blobs["y"].data.any()
    assert not statistics(net)[1].any()


def test_statistics_that_nothing_was_added_to_count_as_zeros():
    net = make(phase=Phase.TEST)
    net.params["bn"][0].data[...] = net.params["bn"][1].data[...] = 9
    net.forward()
    np.testing.assert_allclose(net.blobs["y"].data, net.blobs["x"].data / 1e-5**0.5, rtol=1e-5)


def test_one_axis_is_one_channel():
    net = make(shape=(6,), dtype=np.float64)
    net.forward()
    assert [blob.shape for blob in net.params["bn"]] == [(1,), (1,), (1,)]
    assert net.blobs["y"].data.mean() == pytest.approx(0, abs=1e-12)
    assert net.blobs["y"].data.std() == pytest.approx(1, rel=1e-5)


def test_an_empty_batch_is_no_error():
    net = make(shape=(0, 3, 2, 2))
    net.forward()
    assert not any(values.any() for values in statistics(net)[:2])


AFTER = """
layer { name: "act" type: "ReLU" bottom: "x" top: "x" }
"""


@pytest.mark.parametrize("params", ["", GLOBAL])
def test_the_gradient_in_place_is_right_whatever_follows_in_place(params):
    apart = make(params, top="y", more=AFTER.replace('"x"', '"y"'))
    inside = make(params, top="x", more=AFTER)
    for net in (apart, inside):
        for blob, value in zip(net.params["bn"], (3, 2, 0.5), strict=True):
            blob.data[...] = value
    for found, expected in zip(gradient(inside, "x"), gradient(apart, "y"), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_nothing_is_kept_that_backward_does_not_need():
    def kept(**options):
        net = make(**options, engines=("caffe",))
        net.reshape()
        return net.nodes[-1].kernel.centred

    assert kept(top="x") is not None
    assert kept(top="y") is None
    assert kept(top="x", params=GLOBAL) is None


@pytest.mark.parametrize(
    ("options", "reads"),
    [({}, {"bottom"}), ({"top": "x"}, set()), ({"params": GLOBAL}, set())],
)
def test_facts_say_what_backward_reads(options, reads):
    facts = make(**options).layers["bn"].facts
    assert facts.backward_reads == reads
    assert facts.elementwise == ("params" in options)


def test_results_do_not_depend_on_how_the_batch_is_cut(monkeypatch):
    expected = gradient(make(dtype=np.float64))
    monkeypatch.setattr(portions, "_BYTES", 1)
    for found, each in zip(gradient(make(dtype=np.float64)), expected, strict=True):
        np.testing.assert_allclose(found, each, rtol=1e-12)


@pytest.mark.parametrize("given", [0, 1, 3])
def test_no_solver_learns_the_statistics(given):
    net = make("param { lr_mult: 0 } " * given)
    assert [parameter.lr_mult for parameter in net.learnable] == [0, 0, 0]
    assert [spec.lr_mult for spec in net.param.layer[-1].param] == [0, 0, 0]


def test_learning_the_statistics_is_refused():
    message = (
        r"bn \(BatchNorm\): param 1 has lr_mult 2, but statistics are not learned; set lr_mult"
    )
    with pytest.raises(LayerError, match=message):
        make("param { lr_mult: 0 } param { lr_mult: 2 }")
    with pytest.raises(NetError, match="Too many params specified: the layer has 3"):
        make("param { lr_mult: 0 } " * 4)


def test_the_number_of_channels_must_stay():
    net = make()
    net.blobs["x"].reshape(4, 2, 2, 5)
    message = r"has statistics of 3 channels, bottom 'x' \(4, 2, 2, 5\) has 2"
    with pytest.raises(LayerError, match=message):
        net.forward(start="bn")


def test_a_bottom_must_have_an_axis():
    with pytest.raises(CaffeError, match=r"bn \(BatchNorm\): axis 0 is out of range"):
        make(shape=())
