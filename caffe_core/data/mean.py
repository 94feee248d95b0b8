"""Mean images: ``.binaryproto`` files with a mean for every pixel."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from caffe_core.data.source import missing
from caffe_core.errors import DataError
from caffe_core.proto import caffe_pb2
from caffe_core.proto.files import atomic_write
from caffe_core.proto.stored_blob import read_blob
from caffe_core.proto.wire import WireError


def read(path: str) -> np.ndarray:
    """Return the mean image in a file, ``(channels, height, width)``, float32 or float64.

    Raises:
        DataError: The file does not exist or holds no mean image.
    """
    if not os.path.isfile(path):
        raise missing(path, "mean image (.binaryproto)")
    content = Path(path).read_bytes()
    try:
        image: np.ndarray = read_blob(memoryview(content), 0, len(content)).data
    except WireError as error:
        raise DataError(f"{path!r} is not a mean image (a BlobProto): {error}") from error
    if image.size == 0 or image.ndim not in (3, 4) or image.shape[:-3] not in ((), (1,)):
        raise DataError(
            f"{path!r}: expected one image (1, channels, height, width), found an array "
            f"{image.shape}; write it with `caffe convert mean`"
        )
    image = image.reshape(image.shape[-3:])
    return image


def write(path: str, image: np.ndarray) -> None:
    """Write a mean image ``(channels, height, width)`` as Caffe's compute_image_mean does."""
    channels, height, width = image.shape
    blob = caffe_pb2.BlobProto(num=1, channels=channels, height=height, width=width)
    blob.data.extend(image.ravel().tolist())
    with atomic_write(path) as file:
        file.write(blob.SerializeToString())
