"""Indices: cut to whole numbers, and refused if they pick nothing."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.blob import Blob
from caffe_core.errors import LayerError
from caffe_core.indices import Indices
from caffe_core.layer import Layer
from caffe_core.proto import caffe_pb2


def indices(count, limit=5):
    param = caffe_pb2.LayerParameter(name="it", type="Pick", bottom=["a", "b"])
    return Indices(Layer(param), 1, count, limit, things="rows", remedy="correct it")


def holding(values):
    values = np.asarray(values, np.float32)
    blob = Blob(values.shape)
    blob.data[...] = values
    return blob


def test_numbers_are_cut_towards_zero():
    blob = holding([[0, 1.9], [-0.9, 4.99]])
    assert indices(4).read(blob).tolist() == [0, 1, 0, 4]


def test_memory_is_used_again():
    read = indices(2)
    first = read.read(holding([1, 2]))
    assert read.read(holding([3, 4])) is first
    assert first.tolist() == [3, 4]


@pytest.mark.parametrize("wrong", [5, -1, 1e9, 1e30, np.inf, -np.inf, np.nan])
def test_an_index_out_of_range_is_refused(wrong):
    message = (
        rf"^it \(Pick\): index {wrong:g} at \(1, 0\) of bottom 'b' is none of the 5 rows, "
        "0 to 4; correct it$"
    )
    with pytest.raises(LayerError, match=message.replace("+", r"\+")):
        indices(4).read(holding([[0, 1], [wrong, 7]]))


def test_nothing_can_be_picked_from_nothing():
    assert indices(0, limit=0).read(holding([])).size == 0
    with pytest.raises(LayerError, match=r"index 0 at .* is none of the 0 rows"):
        indices(1, limit=0).read(holding([0]))
