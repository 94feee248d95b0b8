"""BlobProto on the wire: arrays as views of a file, and back, without a detour through lists."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_core.proto import caffe_pb2, wire

Array = np.ndarray[Any, np.dtype[Any]]

_FIELDS = caffe_pb2.BlobProto.DESCRIPTOR.fields_by_name
_ELEMENT: dict[int, np.dtype[Any]] = {
    _FIELDS["data"].number: np.dtype("<f4"),
    _FIELDS["diff"].number: np.dtype("<f4"),
    _FIELDS["double_data"].number: np.dtype("<f8"),
    _FIELDS["double_diff"].number: np.dtype("<f8"),
}
_LEGACY_AXES = ("num", "channels", "height", "width")


@dataclass(frozen=True)
class StoredBlob:
    """A blob as a file holds it.

    Attributes:
        shape: Length of each axis.
        data: The values, float32 or float64, of that shape. May be a read-only view of the file.
        diff: The gradient, where the file has one.
        legacy: The file has the four axes num, channels, height and width of Caffe before 2015, in
            which a bias is ``(1, 1, 1, N)``.
    """

    shape: tuple[int, ...]
    data: Array
    diff: Array | None = None
    legacy: bool = False

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether a blob of this shape takes the values: Caffe's rule, kind to legacy axes of 1."""
        if self.legacy:
            return len(shape) <= 4 and (1,) * (4 - len(shape)) + shape == self.shape
        return shape == self.shape


def read_blob(data: memoryview, start: int, end: int) -> StoredBlob:
    """Return the ``BlobProto`` from `start` to `end`. Its arrays are views of `data`.

    Raises:
        WireError: It is cut off, is no ``BlobProto``, or its shape does not go with its values.
    """
    chunks: dict[int, list[Array]] = {number: [] for number in _ELEMENT}
    rest = bytearray()
    position = start
    while position < end:
        field = wire.read_field(data, position, end)
        wire.check_end(field, end)
        if field.number in _ELEMENT:
            chunk, position = _read_chunk(data, field, end)
            chunks[field.number].append(chunk)
        else:
            rest += data[field.tag : field.end]
            position = field.end
    head = wire.decode(caffe_pb2.BlobProto, rest, start)
    legacy = any(map(head.HasField, _LEGACY_AXES))
    axes = (getattr(head, axis) for axis in _LEGACY_AXES) if legacy else head.shape.dim
    shape = tuple(int(axis) for axis in axes)
    values, gradient = _array(chunks, "data"), _array(chunks, "diff")
    for array in (values, gradient):
        if array.size != math.prod(shape) and (array is values or array.size):
            raise wire.WireError(start, f"a blob of shape {shape} has {array.size} values")
    if min(shape, default=0) < 0:
        raise wire.WireError(start, f"a blob has the shape {shape}")
    diff = gradient.reshape(shape) if gradient.size else None
    return StoredBlob(shape, values.reshape(shape), diff, legacy)


def _array(chunks: dict[int, list[Array]], name: str) -> Array:
    """Join the chunks of a field; doubles win, as in Caffe."""
    found = chunks[_FIELDS[f"double_{name}"].number] or chunks[_FIELDS[name].number]
    return found[0] if len(found) == 1 else np.concatenate(found or [np.empty(0, np.float32)])


def _read_chunk(data: memoryview, field: wire.Field, end: int) -> tuple[Array, int]:
    """Return the numbers that begin with `field`, and the offset behind them."""
    element = _ELEMENT[field.number]
    if field.kind == wire.LENGTH:
        count, odd = divmod(field.end - field.start, element.itemsize)
        if odd:
            raise wire.WireError(field.start, f"{field.end - field.start} bytes are no {element}s")
        return np.frombuffer(data, element, count, field.start), field.end
    if field.end - field.start != element.itemsize:
        raise wire.WireError(field.tag, f"expected {element}s, found wire type {field.kind}")
    return _read_unpacked(data, field, element, end)


def _read_unpacked(
    data: memoryview, field: wire.Field, element: np.dtype[Any], end: int
) -> tuple[Array, int]:
    """Read a run of numbers each of which has its own tag, as in files not written packed."""
    record = np.dtype([("tag", "u1", (field.start - field.tag,)), ("value", element)])
    records = np.frombuffer(data, record, (end - field.tag) // record.itemsize, field.tag)
    other = (records["tag"] != records["tag"][0]).any(axis=1)
    count = int(other.argmax()) if other.any() else len(records)
    return records["value"][:count], field.tag + count * record.itemsize


def blob_buffers(data: Array, diff: Array | None = None) -> list[Any]:
    """Return the buffers that, one after the other, are these arrays as a ``BlobProto``.

    float64 arrays go to the fields for doubles, all others become float32.
    """
    kind = "double_" if data.dtype == np.float64 else ""
    shape = caffe_pb2.BlobProto(shape={"dim": data.shape}).SerializeToString()
    buffers = {_FIELDS["shape"].number: [shape]}
    for name, array in (("data", data), ("diff", diff)):
        number = _FIELDS[kind + name].number
        if array is not None and array.size:
            flat = np.ascontiguousarray(array, _ELEMENT[number]).reshape(-1).view(np.uint8)
            buffers[number] = [wire.prefix(number, flat.nbytes), flat.data]
    return [buffer for number in sorted(buffers) for buffer in buffers[number]]
