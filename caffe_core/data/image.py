"""Images as arrays: bytes of a JPEG or PNG file to ``(channels, height, width)``, and resizing.

Rounding is that of OpenCV, through which Caffe reads images.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from caffe_core.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

_GRAY = ("1", "L", "LA", "La")
_ALPHA = ("RGBA", "RGBa", "PA", "LA", "La")
_LUMA = np.array([9798, 19235, 3735])  # of red, green, blue; in 1/32768, as libpng has them
_WEIGHT_BITS = 11


def decode(encoded: bytes, color: bool | None = None) -> np.ndarray:
    """Return the pixels of an image file, ``(channels, height, width)``, uint8, in the order BGR.

    Args:
        encoded: Content of the file: JPEG, PNG or whatever else Pillow reads.
        color: True makes three channels of any image and False one; None keeps what the file has:
            one channel, three, or four if there is transparency.

    Raises:
        DataError: The bytes are no image, its pixels are not bytes, or Pillow is missing.
    """
    image = _open(encoded, color)
    mode = _mode(image, color)
    pixels: np.ndarray = np.asarray(image if image.mode == mode else image.convert(mode))
    if color is False and mode == "RGB":
        pixels = (pixels @ _LUMA >> 15).astype(np.uint8)
    planes: np.ndarray = np.atleast_3d(pixels).transpose(2, 0, 1)
    planes = planes[[2, 1, 0, 3]] if len(planes) == 4 else planes[::-1]
    return np.ascontiguousarray(planes)  # what follows is slow on interleaved channels


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return a uint8 image ``(channels, height, width)`` in another size.

    Each new pixel is the bilinear mean of the four old ones nearest to its centre.
    """
    if image.shape[1:] == (height, width):
        return image
    above, below, down = _neighbours(image.shape[1], height)
    left, right, across = _neighbours(image.shape[2], width)
    one, old = 1 << _WEIGHT_BITS, image.astype(np.int32)
    rows = (old[:, :, left] * (one - across) + old[:, :, right] * across) >> 4
    down = down[:, np.newaxis]
    rounded: np.ndarray = (rows[:, above] * (one - down) >> 16) + (rows[:, below] * down >> 16) + 2
    return (rounded >> 2).astype(np.uint8)


def _neighbours(size: int, wanted: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each new pixel of an axis: the old one before it, the one after, the latter's weight."""
    place = ((np.arange(wanted) + 0.5) * (size / wanted) - 0.5).astype(np.float32)
    before = np.floor(place).astype(np.int32)
    weight = np.rint((place - before) * (1 << _WEIGHT_BITS)).astype(np.int32)
    return np.clip(before, 0, size - 1), np.clip(before + 1, 0, size - 1), weight


def _open(encoded: bytes, color: bool | None) -> Image:
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError("encoded images need Pillow: pip install pillow") from error
    try:
        image = Image.open(io.BytesIO(encoded))
        if color is False:
            image.draft("L", None)  # a JPEG holds its gray image
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{len(encoded)} bytes beginning with {bytes(encoded[:8])!r} cannot be decoded: "
            f"{error}; expected the content of a JPEG or PNG file"
        ) from error
    if image.mode[0] in "IF":
        raise DataError(f"pixels of mode {image.mode} are not bytes; convert the image to 8 bits")
    return image


def _mode(image: Image, color: bool | None) -> str:
    """Pillow's name for the channels to decode to; gray images that need computing come as RGB."""
    if color is None and (image.mode in _ALPHA or "transparency" in image.info):
        return "RGBA"
    return "L" if image.mode in _GRAY and not color else "RGB"
