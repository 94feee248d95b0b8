"""Blobs come out of the wire as protobuf reads them, and go back byte for byte."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from caffe_core.proto import caffe_pb2, wire
from caffe_core.proto.stored_blob import StoredBlob, blob_buffers, read_blob

SHAPES = hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
DTYPES = st.sampled_from([np.float32, np.float64])


def read(content: bytes) -> StoredBlob:
    return read_blob(memoryview(content), 0, len(content))


def arrays(dtype, **elements):
    return hnp.arrays(dtype, SHAPES, elements=elements)


@given(DTYPES.flatmap(arrays))
def test_what_is_written_is_read_bit_for_bit(array):
    stored = read(b"".join(map(bytes, blob_buffers(array, array[::-1] if array.ndim else array))))
    assert stored.shape == array.shape
    assert not stored.legacy
    assert stored.data.tobytes() == array.tobytes()
    if array.size:
        assert stored.data.dtype == array.dtype
        assert stored.diff is not None
        assert stored.diff.shape == array.shape


@given(DTYPES.flatmap(lambda dtype: arrays(dtype, allow_nan=False)), st.booleans())
def test_bytes_are_those_of_protobuf(array, with_diff):
    message = caffe_pb2.BlobProto(shape={"dim": array.shape})
    kind = "double_" if array.dtype == np.float64 else ""
    getattr(message, kind + "data").extend(array.ravel().tolist())
    if with_diff:
        getattr(message, kind + "diff").extend(array.ravel().tolist())
    buffers = blob_buffers(array, array if with_diff else None)
    assert b"".join(map(bytes, buffers)) == message.SerializeToString()


def test_other_types_become_float32_and_other_orders_c_order():
    array = np.arange(6, dtype=np.int64).reshape(2, 3)
    assert read(b"".join(map(bytes, blob_buffers(array)))).data.tolist() == array.tolist()
    fortran = np.asfortranarray(array, np.float32)
    stored = read(b"".join(map(bytes, blob_buffers(fortran.T))))
    assert stored.data.tolist() == array.T.tolist()


def test_contiguous_arrays_are_not_copied():
    array = np.arange(6, dtype=np.float32)
    assert any(
        isinstance(buffer, memoryview) and np.shares_memory(array, np.frombuffer(buffer, np.uint8))
        for buffer in blob_buffers(array)
    )


PIECES = st.lists(
    st.tuples(
        st.sampled_from(["data", "diff"]),
        st.booleans(),
        st.lists(st.floats(width=32, allow_nan=False), max_size=5),
    ),
    max_size=6,
)


@given(PIECES, st.booleans())
def test_packed_and_unpacked_chunks_in_any_mixture(pieces, double):
    """Protobuf lets a writer cut a repeated field into chunks, packed or not, and so do we."""
    numbers = {"data": 8, "diff": 9} if double else {"data": 5, "diff": 6}
    element = np.dtype("<f8" if double else "<f4")
    content = bytearray()
    for name, packed, values in pieces:
        raw = [np.array(value, element).tobytes() for value in values]
        if packed:
            content += wire.prefix(numbers[name], element.itemsize * len(raw)) + b"".join(raw)
        else:
            kind = wire.FIXED64 if double else wire.FIXED32
            content += b"".join(bytes([numbers[name] << 3 | kind]) + each for each in raw)
    data, diff = (
        [v for name, _, values in pieces if name == wanted for v in values]
        for wanted in ("data", "diff")
    )
    if len(diff) not in (0, len(data)):
        diff = []
        content = bytearray(strip(bytes(content), numbers["diff"]))
    content += caffe_pb2.BlobProto(shape={"dim": [len(data)]}).SerializeToString()
    stored = read(bytes(content))
    expected = caffe_pb2.BlobProto.FromString(bytes(content))
    assert stored.data.tolist() == list(expected.double_data if double else expected.data) == data
    assert (stored.diff is None) == (not diff)
    if stored.diff is not None:
        assert stored.diff.tolist() == diff


def strip(content: bytes, number: int) -> bytes:
    found = wire.fields(memoryview(content), 0, len(content))
    return b"".join(content[each.tag : each.end] for each in found if each.number != number)


def test_doubles_win_over_floats():
    message = caffe_pb2.BlobProto(shape={"dim": [1]}, data=[1], double_data=[2])
    assert read(message.SerializeToString()).data.tolist() == [2]


def test_legacy_axes():
    message = caffe_pb2.BlobProto(num=1, channels=1, height=2, width=3, data=range(6))
    stored = read(message.SerializeToString())
    assert (stored.shape, stored.legacy) == ((1, 1, 2, 3), True)


@pytest.mark.parametrize(
    ("stored", "legacy", "shape", "fits"),
    [
        ((2, 3), False, (2, 3), True),
        ((1, 1, 2, 3), False, (2, 3), False),
        ((1, 1, 2, 3), True, (2, 3), True),
        ((1, 1, 2, 3), True, (1, 2, 3), True),
        ((1, 1, 2, 3), True, (1, 1, 2, 3), True),
        ((1, 1, 1, 3), True, (3,), True),
        ((1, 1, 1, 1), True, (), True),
        ((2, 3, 1, 1), True, (2, 3), False),
        ((1, 1, 2, 3), True, (1, 1, 1, 2, 3), False),
        ((1, 1, 2, 3), True, (3, 2), False),
    ],
)
def test_fits_as_caffe_compares_shapes(stored, legacy, shape, fits):
    blob = StoredBlob(stored, np.zeros(math.prod(stored)).reshape(stored), legacy=legacy)
    assert blob.fits(shape) is fits


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            caffe_pb2.BlobProto(shape={"dim": [2, 3]}, data=[1]).SerializeToString(),
            "at byte 0 a blob of shape (2, 3) has 1 values",
        ),
        (
            caffe_pb2.BlobProto(shape={"dim": [1]}, data=[1], diff=[1, 2]).SerializeToString(),
            "at byte 0 a blob of shape (1,) has 2 values",
        ),
        (
            caffe_pb2.BlobProto(shape={"dim": [-1, -1]}, data=[1]).SerializeToString(),
            "at byte 0 a blob has the shape (-1, -1)",
        ),
        (b"\x2a\x03abc", "at byte 2 3 bytes are no float32s"),
        (b"\x28\x07", "at byte 0 expected float32s, found wire type 0"),
        (b"\x29" + b"\0" * 8, "at byte 0 expected float32s, found wire type 1"),
        (b"\x2a\x08abcd", "at byte 2 8 bytes are expected, 4 are left"),
        (b"\x2d\x00", "at byte 1 4 bytes are expected, 1 are left"),
    ],
)
def test_what_is_wrong_and_where(content, problem):
    with pytest.raises(wire.WireError) as caught:
        read(content)
    assert str(caught.value) == problem
