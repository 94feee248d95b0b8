"""Views of blobs as rows, and adding rows to rows."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Workspace
from caffe_core.rows import add_rows, in_memory_order, rows

SHAPES = [(), (5,), (2, 3), (1, 3, 1, 2), (2, 1, 4), (4, 3, 2, 5), (0, 3, 2, 2), (2, 3, 0)]


def blob(shape, memory_format):
    made = Blob(shape)
    made.format = memory_format
    return made


@pytest.mark.parametrize("memory_format", ANY_FORMAT)
@pytest.mark.parametrize("shape", SHAPES)
def test_memory_order_is_that_of_the_tensor(shape, memory_format):
    made = blob(shape, memory_format)
    flat = made.data_tensor.overwrite()
    flat[...] = np.arange(flat.size)
    assert in_memory_order(made.data).tolist() == list(range(made.count))


@pytest.mark.parametrize("memory_format", ANY_FORMAT)
@pytest.mark.parametrize("shape", SHAPES[1:])
def test_rows_are_items_and_views(shape, memory_format):
    made = blob(shape, memory_format)
    view = rows(made.data)
    assert view.shape == (shape[0], made.span(1))
    for item in range(shape[0]):
        view[item] = item
        assert (made.data[item] == item).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_added_as_often_as_they_are_named(dtype):
    rng = np.random.default_rng(0)
    indices = rng.integers(0, 7, 100)
    source = rng.standard_normal((100, 5)).astype(dtype)
    target = rng.standard_normal((7, 5)).astype(dtype)
    expected = target.copy()
    np.add.at(expected, indices, source)
    add_rows(target, indices, source, Workspace())
    np.testing.assert_allclose(target, expected, rtol=1e-5)


def test_no_rows_add_nothing():
    target = np.ones((3, 2), np.float32)
    add_rows(target, np.zeros(0, np.intp), np.zeros((0, 2), np.float32), Workspace())
    assert (target == 1).all()
