"""A batch cut into portions that stay in the cache while they are worked on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from caffe_core.blob import CHANNELS_LAST, Blob, Shape
from caffe_core.kernel import Workspace

_BYTES = 1 << 20  # of the blob at a time


class Portions:
    """The portions of a blob ``(N, C, *spatial)``, with scratch arrays in the same memory order.

    Iterating gives, for each portion, a slice of N and its scratch arrays ``(n, C, *spatial)``.

    Args:
        blob: What is cut.
        workspace: Where the scratch arrays are.
        wanted: Spatial shape and dtype of each scratch array.
    """

    def __init__(self, blob: Blob, workspace: Workspace, *wanted: tuple[Shape, Any]):
        self._num, self._channels, *_ = (*blob.shape, 1)
        self._format, self._workspace = blob.format, workspace
        item = math.prod(blob.shape[1:]) * blob.dtype.itemsize
        self._size = max(1, min(self._num, _BYTES // max(item, 1)))
        self._wanted = [(self._stored(self._size, spatial), dtype) for spatial, dtype in wanted]
        self._workspace.arrays(*self._wanted)

    def __iter__(self) -> Iterator[tuple[slice, list[Any]]]:
        scratch = [self._indexed(array) for array in self._workspace.arrays(*self._wanted)]
        for start in range(0, self._num, self._size):
            stop = min(start + self._size, self._num)
            yield slice(start, stop), [array[: stop - start] for array in scratch]

    def keep(self, spatial: Shape, dtype: Any) -> Any:
        """Return a new array ``(N, C, *spatial)`` for the whole blob, which is not scratch."""
        xp = self._workspace.device.xp
        return self._indexed(xp.empty(self._stored(self._num, spatial), dtype))

    def _stored(self, num: int, spatial: Shape) -> Shape:
        if self._format is CHANNELS_LAST:
            return (num, *spatial, self._channels)
        return (num, self._channels, *spatial)

    def _indexed(self, array: Any) -> Any:
        """`array`, which is as stored, seen as ``(n, C, *spatial)``."""
        if self._format is CHANNELS_LAST:
            return array.transpose(0, array.ndim - 1, *range(1, array.ndim - 1))
        return array
