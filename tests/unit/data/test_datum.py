from __future__ import annotations

import numpy as np
import pytest

from caffe_core.data import datum
from caffe_core.errors import DataError
from caffe_core.proto import caffe_pb2

IMAGE = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def test_bytes_there_and_back():
    message = datum.from_array(IMAGE, 7)
    assert (message.channels, message.height, message.width, message.label) == (2, 3, 4, 7)
    assert message.data == bytes(range(24))
    again = datum.parse(message.SerializeToString())
    np.testing.assert_array_equal(datum.to_array(again), IMAGE)
    assert again.label == 7


def test_floats_there_and_back():
    features = np.array([[[0.5]], [[-2.25]], [[1e30]]], np.float32)
    message = datum.from_array(features)
    assert message.data == b""
    found = datum.to_array(datum.parse(message.SerializeToString()))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, features)


def test_bytes_are_not_copied():
    message = datum.from_array(IMAGE)
    found = datum.to_array(message)
    assert found.base is not None
    assert not found.flags.writeable


def test_values_may_be_views():
    value = memoryview(datum.from_array(IMAGE, 3).SerializeToString())
    assert datum.parse(value).label == 3


def test_encoded(png):
    rgb = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
    found = datum.to_array(png(rgb))
    np.testing.assert_array_equal(found, rgb.transpose(2, 0, 1)[::-1])
    assert datum.to_array(png(rgb), color=False).shape == (1, 3, 4)


def test_from_array_wants_three_axes():
    with pytest.raises(DataError, match=r"channels, height, width; the array has \(24,\)"):
        datum.from_array(IMAGE.ravel())


def test_not_a_datum():
    with pytest.raises(DataError, match=r"the value \(4 bytes\) is not a Datum"):
        datum.parse(b"\xff\xff\xff\xff")


@pytest.mark.parametrize("data", [bytes(23), bytes(25)])
def test_wrong_number_of_bytes(data):
    message = caffe_pb2.Datum(channels=2, height=3, width=4, data=data)
    with pytest.raises(DataError, match=f"2 x 3 x 4, but the datum holds {len(data)} values"):
        datum.to_array(message)


def test_empty_datum():
    with pytest.raises(DataError, match="0 x 0 x 0, but the datum holds 0 values"):
        datum.to_array(caffe_pb2.Datum())


def test_stack():
    found = datum.stack([datum.from_array(IMAGE), datum.from_array(IMAGE + 1)])
    np.testing.assert_array_equal(found, [IMAGE, IMAGE + 1])


def test_stack_only_of_plain_bytes_of_one_shape(png):
    plain = datum.from_array(IMAGE)
    assert datum.stack([plain, datum.from_array(IMAGE.transpose(0, 2, 1).copy())]) is None
    assert datum.stack([plain, datum.from_array(IMAGE.astype(np.float32))]) is None
    assert datum.stack([plain, png(np.zeros((3, 4), np.uint8))]) is None
    assert datum.stack([caffe_pb2.Datum()]) is None
    short = caffe_pb2.Datum(channels=2, height=3, width=4, data=bytes(23))
    assert datum.stack([plain, short]) is None
