"""Images in files of their own."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np

from caffe_core.data import image
from caffe_core.errors import DataError, did_you_mean

_COMPARED = 10000  # names in a folder: a search for the nearest must not take seconds


def read_bytes(path: str) -> bytes:
    """Return the content of a file.

    Raises:
        DataError: It does not exist, with the names that are near; or it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise DataError(
            f"{path!r} does not exist{nearest(path)} Correct the path, or set root_folder."
        ) from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path!r} cannot be read: {error}") from error


def read_image(path: str, color: bool | None = None) -> np.ndarray:
    """Return the pixels of an image file, ``(channels, height, width)``, uint8, in the order BGR.

    Args:
        path: A JPEG or PNG file, or whatever else Pillow reads.
        color: See `image.decode`.

    Raises:
        DataError: It cannot be read or is no image.
    """
    return decode_file(path, read_bytes(path), color)


def decode_file(path: str, content: bytes, color: bool | None = None) -> np.ndarray:
    """Return the pixels of an image file whose content has been read.

    Raises:
        DataError: It is no image.
    """
    try:
        return image.decode(content, color)
    except DataError as error:
        raise DataError(f"{path!r}: {error}") from error


def nearest(path: str) -> str:
    """Return what follows "... does not exist": the end of that sentence, and names that are near.

    Args:
        path: Where there is no file.
    """
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        return f", nor does the folder {folder!r}."
    with os.scandir(folder) as entries:
        names = [each.name for each in itertools.islice(entries, _COMPARED)]
    return f".{did_you_mean(os.path.basename(path), names)}"
