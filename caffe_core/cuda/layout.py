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
    order = list(range(len(blob.shape)))
    if blob.format is not CONTIGUOUS and len(order) > 2:
        order.append(order.pop(1))
    first = order.index(start)
    last = first + (1 if end is None else end - start)
    sizes = [blob.shape[axis] for axis in order]
    return math.prod(sizes[:first]), math.prod(sizes[last:])
