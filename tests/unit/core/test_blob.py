from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_core.blob import CHANNELS_LAST, CONTIGUOUS, Blob, reshapes
from caffe_core.errors import CaffeError
from caffe_core.tensor import moves

SHAPES = st.lists(st.integers(0, 4), max_size=5).map(tuple)
FORMATS = st.sampled_from([CONTIGUOUS, CHANNELS_LAST])


def test_data_and_diff_start_as_zeros():
    blob = Blob((2, 3), np.float64)
    assert blob.data.shape == blob.diff.shape == (2, 3)
    assert blob.data.dtype == blob.diff.dtype == blob.dtype == np.float64
    assert not blob.data.any()
    assert not blob.diff.any()


def test_a_blob_without_axes_holds_one_number():
    blob = Blob()
    blob.data[...] = 3
    assert (blob.shape, blob.count, float(blob.data)) == ((), 1, 3)


@given(SHAPES, FORMATS)
@settings(max_examples=100, deadline=None)
def test_indexing_is_the_same_in_every_memory_format(shape, memory_format):
    blob, values = Blob(shape), np.random.default_rng(0).random(shape, np.float32)
    blob.format = memory_format
    blob.data[...] = values
    assert blob.data.shape == shape
    assert blob.count == values.size
    np.testing.assert_array_equal(blob.data, values)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5), (2, 3, 4, 5, 6)])
def test_channels_last_stores_the_channels_of_a_pixel_side_by_side(shape):
    blob = Blob(shape)
    blob.format = CHANNELS_LAST
    blob.data[...] = np.arange(blob.count).reshape(shape)
    stored = blob.data_tensor.read()[: blob.count]
    expected = np.moveaxis(np.arange(blob.count).reshape(shape), 1, -1).ravel()
    np.testing.assert_array_equal(stored, expected)


def test_arrays_follow_a_change_of_the_memory_format():
    blob = Blob((2, 3, 4, 5))
    assert blob.data.flags.c_contiguous
    assert blob.diff.flags.c_contiguous
    blob.format = CHANNELS_LAST
    assert not blob.data.flags.c_contiguous
    assert not blob.diff.flags.c_contiguous


@given(st.lists(SHAPES, min_size=1, max_size=6), FORMATS)
@settings(max_examples=100, deadline=None)
def test_memory_only_ever_grows(shapes, memory_format):
    blob, most = Blob((0,)), 0
    blob.format = memory_format
    for shape in shapes:
        blob.reshape(shape)
        most = max(most, blob.count)
        blob.data[...] = np.arange(blob.count).reshape(shape)
        assert blob.data_tensor.capacity == most
        np.testing.assert_array_equal(blob.data.ravel(), np.arange(blob.count))


def test_shrinking_keeps_the_memory_and_what_is_in_it():
    blob = Blob((2, 3))
    blob.data[...] = [[0, 1, 2], [3, 4, 5]]
    blob.reshape(3, 1)
    assert blob.data.tolist() == [[0], [1], [2]]
    blob.reshape((2, 3))
    assert blob.data.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_arrays_stay_the_same_objects_until_a_reshape():
    blob = Blob((2, 3))
    data, diff = blob.data, blob.diff
    assert blob.data is data
    assert blob.diff is diff
    blob.reshape(2, 3)
    assert blob.data is data
    blob.reshape(3, 2)
    assert blob.data.shape == (3, 2)


def test_arrays_outlive_the_blob():
    blob = Blob((2,))
    data = blob.data
    data[...] = 5
    del blob
    assert data.tolist() == [5, 5]


def test_a_reshape_is_counted_only_if_the_shape_changes():
    blob, before = Blob((2, 3)), reshapes.count
    blob.reshape((2, 3))
    assert reshapes.count == before
    blob.reshape(6)
    assert reshapes.count > before


def test_a_shape_may_come_as_one_sequence_or_as_numbers():
    blob = Blob()
    for arguments in (((2, 3),), (2, 3), ([np.int64(2), 3],), (np.int32(2), 3)):
        blob.reshape(0)
        blob.reshape(*arguments)
        assert blob.shape == (2, 3)


def test_a_negative_axis_is_refused_and_changes_nothing():
    blob = Blob((2, 3))
    with pytest.raises(CaffeError, match=r"must not be negative, got \(2, -1\)"):
        blob.reshape(2, -1)
    assert (blob.shape, blob.count) == ((2, 3), 6)


@pytest.mark.parametrize("which", ["data", "diff"])
def test_sharing_uses_one_memory_in_each_blobs_own_shape(which):
    owner, user = Blob((2, 3)), Blob((6,))
    getattr(owner, which)[...] = [[0, 1, 2], [3, 4, 5]]
    getattr(user, f"share_{which}")(owner)
    assert getattr(user, which).tolist() == [0, 1, 2, 3, 4, 5]
    getattr(user, which)[0] = 9
    assert getattr(owner, which)[0, 0] == 9
    other = "diff" if which == "data" else "data"
    getattr(user, other)[...] = 1
    assert not getattr(owner, other).any()


@pytest.mark.parametrize("which", ["share_data", "share_diff"])
def test_sharing_needs_equal_counts(which):
    with pytest.raises(CaffeError, match=r"\(2, 2\) does not hold as many as \(2, 3\)"):
        getattr(Blob((2, 3)), which)(Blob((2, 2)))


def test_shared_memory_outlives_its_first_owner():
    owner, user = Blob((3,)), Blob((3,))
    user.share_data(owner)
    owner.data[...] = 4
    del owner
    assert user.data.tolist() == [4, 4, 4]


def test_on_a_device_a_blob_has_the_arrays_of_that_device(mirror):
    blob = Blob((2, 3))
    blob.data[...] = 5
    there = blob.on(mirror)
    assert type(there.data) is type(mirror.zeros(1, blob.dtype))
    assert (there.data == 5).all()
    there.diff[...] = 2
    assert (blob.diff == 2).all()
    assert (there.shape, there.count, there.device) == ((2, 3), 6, mirror)
    assert blob.on(blob.device) is blob


def test_reading_leaves_the_values_to_the_device(mirror):
    blob = Blob((2, 3))
    blob.on(mirror).data[...] = 5
    before = moves.total
    assert (blob.read() == 5).all()
    assert (blob.on(mirror).read() == 5).all()
    blob.on(mirror).data[...] = 6
    assert moves.total == before + 1


def test_overwriting_fetches_nothing(mirror):
    blob = Blob((2, 3))
    blob.on(mirror).data[...] = 5
    before = moves.total
    blob.overwrite()[...] = 6
    blob.on(mirror).overwrite()[...] = 7
    assert moves.total == before
    assert (blob.data == 7).all()


@pytest.mark.parametrize("method", ["read", "overwrite"])
def test_reading_and_overwriting_follow_the_memory_format(mirror, method):
    blob = Blob((2, 3, 4, 5))
    blob.format = CHANNELS_LAST
    assert getattr(blob, method)().strides == blob.data.strides
    assert getattr(blob.on(mirror), method)().strides == blob.data.strides


def test_on_a_device_channels_last_is_a_view_too(mirror):
    blob = Blob((2, 3, 4, 5))
    blob.format = CHANNELS_LAST
    blob.data[...] = np.arange(120).reshape(2, 3, 4, 5)
    there = blob.on(mirror).data
    assert there.strides == blob.data.strides
    np.testing.assert_array_equal(there.view(np.ndarray), blob.data)


def test_data_and_diff_move_apart(mirror):
    blob = Blob((3,))
    blob.data[...] = 1
    before = moves.to_device
    assert (blob.on(mirror).diff == 0).all()
    assert moves.to_device == before
    assert (blob.on(mirror).data == 1).all()
    assert moves.to_device == before + 1


def test_axis_counts_from_either_end():
    blob = Blob((2, 3, 4))
    assert [blob.axis(index) for index in (0, 2, -1, -3)] == [0, 2, 2, 0]
    for index in (3, -4):
        with pytest.raises(CaffeError, match=rf"axis {index} is out of range for a blob of 3 axes"):
            blob.axis(index)


def test_span_multiplies_axes():
    blob = Blob((2, 3, 4))
    assert (blob.span(0), blob.span(1), blob.span(1, 2), blob.span(3)) == (24, 12, 3, 1)


def test_the_four_axes_of_older_nets():
    blob = Blob((2, 3))
    assert (blob.num, blob.channels, blob.height, blob.width) == (2, 3, 1, 1)
    with pytest.raises(CaffeError, match=r"at most 4 axes, got \(1, 1, 1, 1, 1\)"):
        Blob((1, 1, 1, 1, 1)).num  # noqa: B018


def test_repr_shows_shape_count_type_and_format():
    assert repr(Blob((2, 3))) == "<Blob 2 3 (6) float32 contiguous>"
