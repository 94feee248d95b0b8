"""Blobs of either memory format as what they are in memory: a line, or a row for each item."""

from __future__ import annotations

import math
from typing import Any

from caffe_core.kernel import Workspace


def in_memory_order(array: Any) -> Any:
    """Return a 1-D view of a blob's array, of either memory format, in the order of memory."""
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    return array.transpose(order).reshape(-1)


def rows(array: Any) -> Any:
    """Return a view of a blob's array, of either memory format, with one row for each item.

    Blobs of one memory format whose items have one shape have the same order within a row.
    """
    return in_memory_order(array).reshape(len(array), math.prod(array.shape[1:]))


def add_rows(target: Any, indices: Any, source: Any, workspace: Workspace) -> None:
    """Add row i of `source` to row ``indices[i]`` of `target`; indices may come repeatedly.

    Args:
        target: ``(K, N)``, contiguous.
        indices: ``(M,)``, whole numbers from 0 to K - 1.
        source: ``(M, N)``, contiguous.
        workspace: Scratch memory.
    """
    xp = workspace.device.xp
    width = target.shape[1]
    # NumPy adds to places in one line of memory several times faster than to rows.
    places = workspace.array(source.shape, indices.dtype)
    places[...] = indices[:, None]
    places *= width
    places += xp.arange(width)
    xp.add.at(target.reshape(-1), places.reshape(-1), source.reshape(-1))
