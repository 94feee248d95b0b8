"""MVN: shapes as Caffe makes them, and what is normalised together."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core import portions
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}
layer {{ name: "mvn" type: "MVN" bottom: "x" top: "{top}" mvn_param {{ {params} }} }}
"""
ACROSS = "across_channels: true"


def make(params="", shape=(3, 4, 2, 5), top="y", **options):
    dims = " ".join(f"dim: {length}" for length in shape)
    net = Net(NET.format(params=params, dims=dims, top=top), Phase.TRAIN, **options)
    net.blobs["x"].data[...] = _values(net.blobs["x"].shape, 5)
    return net


def _values(shape, seed):
    return np.random.default_rng(seed).standard_normal(shape) * 3 + seed


def gradient(net, top="y"):
    net.forward()
    y = net.blobs[top].data.copy()
    net.blobs[top].diff[...] = _values(y.shape, 2)
    net.backward()
    return y, net.blobs["x"].diff.copy()


@pytest.mark.parametrize(("params", "axes"), [("", (2, 3)), (ACROSS, (1, 2, 3))])
def test_what_is_normalised_together(params, axes):
    net = make(params, dtype=np.float64)
    net.forward()
    x, y = net.blobs["x"].data, net.blobs["y"].data
    expected = (x - x.mean(axes, keepdims=True)) / x.std(axes, keepdims=True)
    np.testing.assert_allclose(y, expected, rtol=1e-7)


@pytest.mark.parametrize(
    ("shape", "top_shape"),
    [
        ((6,), (6, 1, 1, 1)),
        ((3, 4), (3, 4, 1, 1)),
        ((3, 4, 5), (3, 4, 5, 1)),
        ((2, 3, 2, 2, 2), (2, 3, 2, 2, 2)),
    ],
)
def test_the_top_has_at_least_four_axes(shape, top_shape):
    net = make(ACROSS, shape, dtype=np.float64)
    y, dx = gradient(net)
    assert y.shape == top_shape
    assert dx.shape == shape


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 2, 5)])
@pytest.mark.parametrize("params", [ACROSS, "normalize_variance: false", "eps: 0.1"])
def test_in_place(shape, params):
    expected = gradient(make(params, shape, dtype=np.float64))
    net = make(params, shape, top="x", dtype=np.float64)
    for found, each in zip(gradient(net, "x"), expected, strict=True):
        np.testing.assert_allclose(found, each.reshape(found.shape), rtol=1e-9, atol=1e-12)


def test_passes_may_put_it_in_place_only_where_the_shape_stays():
    assert make().layers["mvn"].facts.inplace
    assert not make(shape=(3, 4)).layers["mvn"].facts.inplace
    assert make("normalize_variance: false").layers["mvn"].facts.backward_reads == set()


def test_without_variance_all_is_zero():
    net = make()
    net.blobs["x"].data[...] = 3
    assert not net.forward()
    assert not net.blobs["y"].data.any()


def test_results_do_not_depend_on_how_the_batch_is_cut(monkeypatch):
    expected = gradient(make(dtype=np.float64))
    monkeypatch.setattr(portions, "_BYTES", 1)
    for found, each in zip(gradient(make(dtype=np.float64)), expected, strict=True):
        np.testing.assert_allclose(found, each, rtol=1e-12)
