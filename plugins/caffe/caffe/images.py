"""Images as arrays ``(height, width, channels)``: read, resized, cut."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caffe_core.errors import CaffeError, DataError

Dims = Sequence[int] | np.ndarray  # height and width

_LUMINANCE = np.array([[0.2125], [0.7154], [0.0721]], np.float32)  # as pycaffe weighs colors


class ImageError(DataError, OSError):
    """A file cannot be read as an image. pycaffe raised an `OSError`."""


def load_image(filename: str | Path, color: bool = True) -> np.ndarray:
    """Return an image as float32 from 0 to 1, ``(height, width, 3)``, or 1 if not `color`.

    Channels are red, green and blue.

    Raises:
        ImageError: The file is missing or no image.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(filename) as image:
            return _unit_range(image, color)
    except (OSError, UnidentifiedImageError) as error:
        raise ImageError(f"{filename}: cannot read the image: {error}") from error


def _unit_range(image: Any, color: bool) -> np.ndarray:
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float32)
        values = values / np.float32(65535) if image.mode.startswith("I") else values
        return np.repeat(values[:, :, np.newaxis], 3 if color else 1, axis=2)
    if color:
        values = np.asarray(image.convert("RGB"), np.float32)
    elif image.mode in ("L", "1"):
        values = np.asarray(image.convert("L"), np.float32)[:, :, np.newaxis]
    else:
        values = np.asarray(image.convert("RGB"), np.float32) @ _LUMINANCE
    unit: np.ndarray = values / np.float32(255)
    return unit


def resize_image(im: Any, new_dims: Dims, interp_order: int = 1) -> np.ndarray:
    """Return an image ``(height, width, channels)`` at another size; no smoothing before.

    Args:
        im: The image, of any number of channels.
        new_dims: Height and width.
        interp_order: 0 takes the nearest pixel, 1 interpolates linearly, 3 cubically.

    Raises:
        CaffeError: There is no such order.
    """
    from PIL import Image

    orders = {
        0: Image.Resampling.NEAREST,
        1: Image.Resampling.BILINEAR,
        3: Image.Resampling.BICUBIC,
    }
    if interp_order not in orders:
        raise CaffeError(f"interp_order is {interp_order}; expected 0, 1 or 3")
    image: np.ndarray = np.asarray(im, np.float32)
    height, width = (int(dim) for dim in new_dims)
    if image.shape[:2] == (height, width):
        return np.array(image)
    across, down = image.shape[1] / width, image.shape[0] / height
    result = np.empty((height, width, image.shape[2]), np.float32)
    for channel in range(image.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(image[:, :, channel]))
        resized = plane.transform(
            (width, height),
            Image.Transform.AFFINE,
            (across, 0, 0, 0, down, 0),
            resample=orders[interp_order],
        )
        result[:, :, channel] = np.asarray(resized)
    return result


def oversample(images: Any, crop_dims: Dims) -> np.ndarray:
    """Cut four corners and the centre out of each image, and mirror them: ten crops of each.

    Args:
        images: Images ``(height, width, channels)`` of one size.
        crop_dims: Height and width of the crops.

    Returns:
        ``(10 * n, height, width, channels)``: upper left, upper right, lower left, lower right,
        centre, and the same mirrored.
    """
    images = np.asarray(images, np.float32)
    spare = np.array(images.shape[1:3]) - np.array(crop_dims, int)
    if (spare < 0).any():
        raise CaffeError(f"crops of {tuple(crop_dims)} do not fit images of {images.shape[1:3]}")
    (last_row, last_column), (row, column) = spare, _centre(images.shape[1:3], crop_dims)
    starts = [(0, 0), (0, last_column), (last_row, 0), (last_row, last_column), (row, column)]
    height, width = (int(dim) for dim in crop_dims)
    crops = np.stack(
        [images[:, top : top + height, left : left + width] for top, left in starts], axis=1
    )
    both = np.concatenate([crops, crops[:, :, :, ::-1]], axis=1)
    return both.reshape(-1, height, width, images.shape[3])


def centre_crop(images: Any, crop_dims: Dims) -> np.ndarray:
    """Cut the centre out of each image."""
    row, column = _centre(np.shape(images)[1:3], crop_dims)
    height, width = (int(dim) for dim in crop_dims)
    return np.asarray(images)[:, row : row + height, column : column + width]


def _centre(dims: Sequence[int], crop_dims: Dims) -> tuple[int, int]:
    """Where a crop in the middle starts."""
    row, column = (int(dim / 2 - crop / 2) for dim, crop in zip(dims, crop_dims, strict=True))
    return row, column
