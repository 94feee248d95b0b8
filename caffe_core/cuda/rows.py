"""Rows: those of an array that indices pick, and what is added to them, on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.source import Source

SOURCE = Source.beside(__file__, "rows.cu")


class Rows:
    """Picks rows of an array ``(limit, size)`` by indices that a blob holds as real numbers.

    An index that picks none cannot raise an error here: the row is NaN, and nothing is added.

    Args:
        kernel: Whose `source` is the one of this module.
        count: How many indices there are.
        limit: How many rows there are.
        size: Elements of a row.
    """

    def __init__(self, kernel: CudaKernel, count: int, limit: int, size: int):
        self._function = kernel.finder()
        self._count, self._limit, self._size = count, limit, size
        self._indices = kernel.xp.empty(count, np.int32)
        self._next = kernel.xp.empty(count, np.int32)
        self._first = kernel.xp.empty(count, bool)

    def pick(self, numbers: Any, x: Any, y: Any, bias: Any = None) -> None:
        """Write to each row of `y` the row of `x` whose index `numbers` has, plus the bias."""
        self._function("read_indices")(self._count, numbers, self._indices, self._limit)
        self._function("pick")(y.size, x, self._indices, y, bias, self._size)

    def add(self, x: Any, y: Any) -> None:
        """Add each row of `y` to the row of `x` that was picked for it, in a fixed order."""
        self._function("link")(self._count, self._indices, self._next, self._first)
        chains = self._next, self._first
        self._function("add")(y.size, x, self._indices, y, *chains, self._size)
