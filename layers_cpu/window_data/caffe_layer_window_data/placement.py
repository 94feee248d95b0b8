"""Placement: what part of an image a window shows, and where it goes in the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_core.errors import DataError


@dataclass(frozen=True)
class Crop:
    """How windows become squares of one size.

    Attributes:
        side: Side of the squares, in pixels.
        context_pad: How many pixels on each side show the window's surroundings.
        square: Whether a window grows to a square first, so as to keep its shape; else it is
            warped.
    """

    side: int
    context_pad: int
    square: bool


@dataclass(frozen=True)
class Placement:
    """A part of an image that is resized and put into a square. All are pairs ``(x, y)``.

    Attributes:
        begin: Where the part begins in the image.
        end: Where it ends; it does not belong to the part.
        pad: Where the part begins in the square; what is around it shows no image.
        size: What it is resized to; may be 0 where next to nothing is in the image.
    """

    begin: Any
    end: Any
    pad: Any
    size: Any


def place(box: Any, image: Any, crop: Crop, mirror: bool) -> Placement:
    """Return where a window goes, computed in single precision and rounded as by BVLC Caffe.

    Args:
        box: First column, first row, last column and last row; the last ones are in it.
        image: Width and height.
        crop: What to make of it.
        mirror: Whether the part is mirrored from left to right before it is put into the square.

    Raises:
        DataError: The window is not in the image.
    """
    first, last, limit = np.array(box[:2]), np.array(box[2:]), np.array(image)
    side = np.array([crop.side, crop.side])
    grows = crop.context_pad or crop.square
    if (first > last).any() or not (grows or _is_within(first, last, limit)):
        raise _outside(box, image)
    if not grows:
        return Placement(first, last + 1, side - side, side)
    first, last = _grow(first, last, crop)
    scale = np.float32(crop.side) / (last - first + 1).astype(np.float32)
    before, after = np.maximum(0, -first), np.maximum(0, last + 1 - limit)
    first, last = first + before, last - after
    if not _is_within(first, last, limit):
        raise _outside(box, image)
    size, before, after = (
        _round(length.astype(np.float32) * scale) for length in (last - first + 1, before, after)
    )
    pad = np.array([after[0], before[1]]) if mirror else before
    return Placement(first, last + 1, pad, np.minimum(size, side - pad))


def _grow(first: Any, last: Any, crop: Crop) -> tuple[Any, Any]:
    """The window with its surroundings: larger, around the same centre."""
    half = (last - first + 1).astype(np.float32) / np.float32(2)
    centre = first.astype(np.float32) + half
    factor = np.float32(crop.side) / np.float32(crop.side - 2 * crop.context_pad)
    reach = (half.max() if crop.square else half) * factor
    return _round(centre - reach), _round(centre + reach)


def _round(numbers: Any) -> Any:
    """Round to whole numbers, halves away from zero."""
    exact = numbers.astype(np.float64)
    return np.trunc(exact + np.copysign(0.5, exact)).astype(np.int64)


def _is_within(first: Any, last: Any, limit: Any) -> bool:
    return bool(((first >= 0) & (first <= last) & (last < limit)).all())


def _outside(box: Any, image: Any) -> DataError:
    return DataError(
        f"the window with x1 y1 x2 y2 = {' '.join(map(str, box))} does not lie in the image, "
        f"which is {image[0]} x {image[1]} (width x height); correct the window"
    )
