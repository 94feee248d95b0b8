"""Images, arrays and Caffe's messages, turned into each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caffe.images import ImageError, load_image, oversample, resize_image
from caffe_core.errors import CaffeError
from caffe_core.proto import caffe_pb2

__all__ = [
    "ImageError",
    "Transformer",
    "array_to_blobproto",
    "array_to_datum",
    "arraylist_to_blobprotovecor_str",
    "arraylist_to_blobprotovector_str",
    "blobproto_to_array",
    "blobprotovector_str_to_arraylist",
    "datum_to_array",
    "load_image",
    "load_mean",
    "oversample",
    "resize_image",
]

_LEGACY_AXES = ("num", "channels", "height", "width")  # of a shape, in files of before 2014


def blobproto_to_array(blob: Any, return_diff: bool = False) -> np.ndarray:
    """Return the data of a ``BlobProto``, or its diff; without a shape it is a single number."""
    values = np.array(blob.diff if return_diff else blob.data, np.float32)
    if not values.size:
        values = np.array(blob.double_diff if return_diff else blob.double_data, np.float64)
    if any(blob.HasField(axis) for axis in _LEGACY_AXES):
        return values.reshape([getattr(blob, axis) for axis in _LEGACY_AXES])
    return values.reshape(tuple(blob.shape.dim))


def array_to_blobproto(arr: Any, diff: Any = None) -> Any:
    """Return a ``BlobProto`` with this data and, if given, diff."""
    blob = caffe_pb2.BlobProto()
    blob.shape.dim.extend(np.shape(arr))
    blob.data.extend(np.asarray(arr, np.float64).ravel())
    if diff is not None:
        blob.diff.extend(np.asarray(diff, np.float64).ravel())
    return blob


def arraylist_to_blobprotovector_str(arraylist: Iterable[Any]) -> bytes:
    """Return arrays as the bytes of a ``BlobProtoVector``."""
    blobs = [array_to_blobproto(each) for each in arraylist]
    return bytes(caffe_pb2.BlobProtoVector(blobs=blobs).SerializeToString())


arraylist_to_blobprotovecor_str = arraylist_to_blobprotovector_str  # as pycaffe spelled it first


def blobprotovector_str_to_arraylist(text: bytes) -> list[np.ndarray]:
    """Return the arrays in the bytes of a ``BlobProtoVector``."""
    return [blobproto_to_array(each) for each in caffe_pb2.BlobProtoVector.FromString(text).blobs]


def array_to_datum(arr: Any, label: int | None = None) -> Any:
    """Return an image as a ``Datum``: bytes if it holds ``uint8``, else floats.

    Args:
        arr: ``(channels, height, width)``.
        label: Its label.

    Raises:
        ValueError: It has not three axes.
    """
    arr = np.asarray(arr)
    if arr.ndim != 3:
        raise ValueError(f"Incorrect array shape {arr.shape}: expected (channels, height, width)")
    datum = caffe_pb2.Datum()
    datum.channels, datum.height, datum.width = arr.shape
    if arr.dtype == np.uint8:
        datum.data = arr.tobytes()
    else:
        datum.float_data.extend(arr.astype(np.float64).ravel())
    if label is not None:
        datum.label = int(label)
    return datum


def datum_to_array(datum: Any) -> np.ndarray:
    """Return the image of a ``Datum``: ``(channels, height, width)``, of uint8 or float64.

    One that is stored encoded, as JPEG or PNG, is decoded to blue, green and red.
    """
    if datum.encoded:
        from caffe_core.data.datum import to_array

        return np.array(to_array(datum, None))
    shape = (datum.channels, datum.height, datum.width)
    if datum.data:
        return np.frombuffer(datum.data, np.uint8).reshape(shape)
    return np.array(datum.float_data, np.float64).reshape(shape)


def load_mean(path: str | Path) -> np.ndarray:
    """Return the mean in a ``.npy`` or ``.binaryproto`` file: ``(channels, height, width)``.

    Raises:
        CaffeError: The file is neither.
    """
    if Path(path).suffix == ".npy":
        stored: np.ndarray = np.load(path)
        return stored
    blob = caffe_pb2.BlobProto()
    try:
        blob.ParseFromString(Path(path).read_bytes())
    except Exception as error:
        raise CaffeError(f"{path} is neither a .npy nor a .binaryproto file: {error}") from error
    mean = blobproto_to_array(blob)
    return mean[0] if mean.ndim == 4 else mean


class Transformer:
    """Turns images into what a net takes, and back.

    Each step is done if it was set, in this order: resize to the input's size, `set_transpose`,
    `set_channel_swap`, `set_raw_scale`, `set_mean`, `set_input_scale`.

    Args:
        inputs: The shape of each input blob.

    Attributes:
        transpose: Order of the axes, by input.
        channel_swap: Order of the channels, by input.
        raw_scale: Factor before the mean, by input.
        mean: What is subtracted, by input.
        input_scale: Factor after the mean, by input.
    """

    def __init__(self, inputs: Mapping[str, Sequence[int]]):
        self.inputs = {name: tuple(shape) for name, shape in inputs.items()}
        self.transpose: dict[str, Sequence[int]] = {}
        self.channel_swap: dict[str, Sequence[int]] = {}
        self.raw_scale: dict[str, float] = {}
        self.mean: dict[str, np.ndarray] = {}
        self.input_scale: dict[str, float] = {}

    def preprocess(self, in_: str, data: Any) -> np.ndarray:
        """Return an image ``(height, width, channels)`` as the net takes it."""
        self._check(in_)
        array: np.ndarray = np.asarray(data, np.float32)
        if array.shape[:2] != self.inputs[in_][2:]:
            array = resize_image(array, self.inputs[in_][2:])
        if in_ in self.transpose:
            array = array.transpose(self.transpose[in_])
        if in_ in self.channel_swap:
            array = array[list(self.channel_swap[in_])]
        array = array * np.float32(self.raw_scale.get(in_, 1))
        if in_ in self.mean:
            array -= self.mean[in_]
        array *= np.float32(self.input_scale.get(in_, 1))
        return array

    def deprocess(self, in_: str, data: Any) -> np.ndarray:
        """Return what `preprocess` gave as an image again, but for its size."""
        self._check(in_)
        array = np.array(data).squeeze() / self.input_scale.get(in_, 1)
        if in_ in self.mean:
            array += self.mean[in_]
        array /= self.raw_scale.get(in_, 1)
        if in_ in self.channel_swap:
            array = array[np.argsort(self.channel_swap[in_])]
        if in_ in self.transpose:
            array = array.transpose(np.argsort(self.transpose[in_]))
        return array

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """Give the axes this order: ``(2, 0, 1)`` for channels first."""
        self._check(in_)
        axes = len(self.inputs[in_]) - 1
        if len(order) != axes:
            raise CaffeError(f"Transpose order needs {axes} axes, as the input has; got {order}")
        self.transpose[in_] = order

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """Give the channels this order, after the transposition: ``(2, 1, 0)`` for RGB to BGR."""
        self._check(in_)
        channels = self.inputs[in_][1]
        if len(order) != channels:
            raise CaffeError(
                f"Channel swap needs as many indices as the input has channels, {channels}; "
                f"got {order}"
            )
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """Multiply by this before the mean is subtracted: 255 for images from 0 to 1."""
        self._check(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_: str, mean: Any) -> None:
        """Subtract this: a number for each channel, or an image ``(channels, height, width)``.

        An image of another size is resized.
        """
        self._check(in_)
        mean = np.asarray(mean, np.float32)
        shape = self.inputs[in_][1:]
        if mean.ndim == 1:
            if len(mean) != shape[0]:
                raise CaffeError(f"Mean channels incompatible: {len(mean)} for {shape[0]} channels")
            self.mean[in_] = mean[:, np.newaxis, np.newaxis]
            return
        if mean.ndim == 2:
            mean = mean[np.newaxis]
        if mean.ndim != 3 or mean.shape[0] not in (1, shape[0]):
            raise CaffeError(f"Mean shape {mean.shape} is incompatible with the input's {shape}")
        if mean.shape[1:] != shape[1:]:
            mean = resize_image(mean.transpose(1, 2, 0), shape[1:]).transpose(2, 0, 1)
        self.mean[in_] = mean

    def set_input_scale(self, in_: str, scale: float) -> None:
        """Multiply by this in the end."""
        self._check(in_)
        self.input_scale[in_] = scale

    def _check(self, in_: str) -> None:
        if in_ not in self.inputs:
            raise CaffeError(f"{in_!r} is not one of the net inputs: {', '.join(self.inputs)}")
