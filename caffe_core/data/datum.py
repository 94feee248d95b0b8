"""Datum: one record of a database, an image or a feature with its label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from caffe_core.data import image
from caffe_core.errors import DataError
from caffe_core.proto import caffe_pb2

Shape = tuple[int, int, int]


def parse(value: bytes) -> Any:
    """Return the ``Datum`` message that a record's value holds.

    Raises:
        DataError: It holds none.
    """
    try:
        return caffe_pb2.Datum.FromString(value)
    except DecodeError as error:
        raise DataError(f"the value ({len(value)} bytes) is not a Datum: {error}") from error


def shape(datum: Any) -> Shape:
    """Return the ``(channels, height, width)`` that a datum states; an encoded one need not."""
    return datum.channels, datum.height, datum.width


def to_array(datum: Any, color: bool | None = None) -> np.ndarray:
    """Return a datum's image, ``(channels, height, width)``, color in the order BGR.

    Bytes give uint8 without a copy, ``float_data`` gives float32.

    Args:
        datum: The message.
        color: What to make of an encoded image; see `image.decode`.

    Raises:
        DataError: There are more or fewer values than the shape says, or no image can be decoded.
    """
    if datum.encoded:
        return image.decode(datum.data, color)
    if datum.data:
        values = np.frombuffer(datum.data, np.uint8)
    else:
        values = np.fromiter(datum.float_data, np.float32, len(datum.float_data))
    if values.size == 0 or values.size != np.prod(shape(datum)):
        raise DataError(
            "channels x height x width is {} x {} x {}".format(*shape(datum))
            + f", but the datum holds {values.size} values; convert the data again"
        )
    return values.reshape(shape(datum))


def stack(datums: Sequence[Any]) -> np.ndarray | None:
    """Return the images of a batch in one array, ``(N, channels, height, width)``, uint8.

    None if they are not all plain bytes of one shape.
    """
    first = shape(datums[0])
    if any(datum.encoded or shape(datum) != first for datum in datums):
        return None
    size = int(np.prod(first))
    pixels = [datum.data for datum in datums]
    if size == 0 or any(len(each) != size for each in pixels):
        return None
    return np.frombuffer(b"".join(pixels), np.uint8).reshape(len(datums), *first)


def from_array(array: np.ndarray, label: int = 0) -> Any:
    """Return the ``Datum`` message of an image ``(channels, height, width)``.

    uint8 is stored as bytes, everything else as ``float_data``.

    Raises:
        DataError: The array does not have three axes.
    """
    if array.ndim != 3:
        raise DataError(
            f"a datum has the axes channels, height, width; the array has {array.shape}"
        )
    channels, height, width = array.shape
    datum = caffe_pb2.Datum(channels=channels, height=height, width=width, label=int(label))
    if array.dtype == np.uint8:
        datum.data = array.tobytes()
    else:
        datum.float_data.extend(array.ravel().tolist())
    return datum
