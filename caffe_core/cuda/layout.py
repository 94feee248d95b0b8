"""How the axes of a blob lie in memory, so that one kernel serves both memory formats."""

from __future__ import annotations

import math

from caffe_core.blob import CONTIGUOUS, Blob


def around(blob: Blob, start: int, end: int | None = None) -> tuple[int, int]:
    """Return how many elements lie around the axes from `start` up to, not including, `end`.

    In memory a blob is ``(outer, axes from start to end, inner)``, whatever its format: H and W of
    ``(N, C, H, W)`` lie in ``(N * C, H, W, 1)`` if contiguous, in ``(N, H, W, C)`` if
    channels-last. The axes must be neighbours in memory, as all spatial axes are.

    Args:
        blob: The blob.
        start: The first axis.
        end: The axis after the last; None: the axis after `start`.

    Returns:
        ``(outer, inner)``.
    """
    order = memory_order(blob)
    first = order.index(start)
    last = first + (1 if end is None else end - start)
    return _around(blob, first, last)


def beside(blob: Blob, part: Blob, start: int) -> tuple[int, int] | None:
    """Return how many elements of a blob lie around those axes that a smaller one has too.

    Args:
        blob: The blob.
        part: The smaller one.
        start: The first of the axes.

    Returns:
        ``(outer, inner)``; None if in memory these axes are no neighbours or of another order.
    """
    order, end = memory_order(blob), start + len(part.shape)
    places = [place for place, axis in enumerate(order) if start <= axis < end]
    if not places:
        return 1, blob.count
    first, last = places[0], places[-1] + 1
    if [axis - start for axis in order[first:last]] != memory_order(part):
        return None
    return _around(blob, first, last)


def memory_order(blob: Blob) -> list[int]:
    """Return the axes of a blob as they lie in memory, the outermost first."""
    order = list(range(len(blob.shape)))
    if blob.format is not CONTIGUOUS and len(order) > 2:
        order.append(order.pop(1))
    return order


def _around(blob: Blob, first: int, last: int) -> tuple[int, int]:
    sizes = [blob.shape[axis] for axis in memory_order(blob)]
    return math.prod(sizes[:first]), math.prod(sizes[last:])
