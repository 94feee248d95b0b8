"""Fillers: what the golden cases do not hold: other shapes, layouts and types, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core import registry
from caffe_core.errors import CaffeError, PluginError
from caffe_core.fillers import fill
from caffe_core.proto.caffe_pb2 import FillerParameter

ANY_SHAPE = ["constant", "uniform", "gaussian", "positive_unitball", "xavier", "msra"]


def filled(shape, dtype=np.float32, seed=1, **fields):
    data = np.full(shape, 7, dtype)
    fill(data, FillerParameter(**fields), np.random.default_rng(seed))
    return data


@pytest.mark.parametrize("shape", [(), (5,), (0,), (3, 0), (2, 3, 4, 5, 6)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("type", ANY_SHAPE)
def test_every_element_of_any_shape_is_written(type, dtype, shape):
    data = filled(shape, dtype, type=type)
    assert data.dtype == dtype
    assert (data != 7).all()


@pytest.mark.parametrize("type", ANY_SHAPE)
def test_the_generator_alone_decides(type):
    np.testing.assert_array_equal(filled((3, 4), type=type), filled((3, 4), type=type))
    if type != "constant":
        assert (filled((3, 4), type=type) != filled((3, 4), seed=2, type=type)).any()


@pytest.mark.parametrize("type", ANY_SHAPE)
def test_an_array_that_is_not_contiguous_gets_the_same_values(type):
    data = np.full((3, 5, 4), 7, np.float32).transpose(0, 2, 1)
    fill(data, FillerParameter(type=type), np.random.default_rng(1))
    np.testing.assert_allclose(data, filled((3, 4, 5), type=type), rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "norm", "fan"),
    [
        ((1000,), "FAN_IN", 1),
        ((1000,), "FAN_OUT", 1000),
        ((1000,), "AVERAGE", 500.5),
        ((4, 5, 6, 7, 8), "FAN_IN", 5 * 6 * 7 * 8),
        ((4, 5, 6, 7, 8), "FAN_OUT", 4 * 6 * 7 * 8),
    ],
)
def test_xavier_counts_the_fan_of_shapes_with_other_than_two_or_four_axes(shape, norm, fan):
    limit = np.sqrt(3 / fan)
    largest = np.abs(filled(shape, type="xavier", variance_norm=norm)).max()
    assert 0.98 * limit < largest <= limit


def test_a_gaussian_without_spread_is_its_mean():
    assert (filled((4,), type="gaussian", mean=2.5, std=0) == 2.5).all()


def test_sparse_may_keep_nothing_or_everything():
    assert (filled((4, 50), type="gaussian", sparse=0) == 0).all()
    assert (filled((4, 50), type="gaussian", sparse=4) != 0).all()


def test_bilinear_in_double_precision():
    weight = np.array([0.25, 0.75, 0.75, 0.25])
    expected = np.broadcast_to(np.outer(weight, weight), (2, 3, 4, 4))
    np.testing.assert_allclose(filled((2, 3, 4, 4), np.float64, type="bilinear"), expected)


@pytest.mark.parametrize(
    ("shape", "fields", "message"),
    [
        ((2,), {"type": "uniform", "min": 2}, "filler 'uniform': min 2 is above max 1"),
        ((2,), {"type": "gaussian", "std": -1}, "std must not be negative, got -1"),
        ((2, 3), {"type": "gaussian", "sparse": 3}, "sparse is 3, but there are only 2 outputs"),
        ((2,), {"type": "xavier", "sparse": 3}, "filler 'xavier': it has no `sparse`"),
        ((4, 4), {"type": "bilinear"}, r"needs 4 axes, .* the blob's shape is \(4, 4\)"),
        ((1, 1, 3, 4), {"type": "bilinear"}, "the last two equal"),
    ],
)
def test_what_makes_no_sense_is_refused(shape, fields, message):
    with pytest.raises(CaffeError, match=message):
        filled(shape, **fields)


def test_an_unknown_filler_is_named_with_near_ones():
    with pytest.raises(
        PluginError, match=r"no filler 'Xavier' is installed.* Did you mean 'xavier'"
    ):
        filled((2,), type="Xavier")


def test_a_filler_may_be_added():
    def ramp(data, param, rng):
        data[...] = param.value * np.arange(data.size).reshape(data.shape)

    registry.fillers.register("ramp", ramp)
    try:
        assert filled((2, 2), type="ramp", value=3).tolist() == [[0, 3], [6, 9]]
    finally:
        registry.fillers.unregister("ramp")
