"""Slabs: memory for many arrays in large pieces, which the system can back with large pages."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from caffe_core.device import CPU

_SLAB = 16 << 20
_LARGE = 4 << 20  # from this size on, NumPy asks for large pages by itself
_ALIGNMENT = 64
_BYTES = np.dtype(np.uint8)


class Slabs:
    """Cuts arrays from slabs one after the other.

    A net reads all its packed weights in each pass. Scattered over small pages, finding them takes
    a noticeable part of the time at batch size 1. A slab is freed with the last array from it.
    """

    def __init__(self) -> None:
        self._rest = CPU.zeros(0, _BYTES)
        self._lock = threading.Lock()

    def zeros(self, size: int) -> Any:
        """Return a flat array of `size` zero bytes, aligned for vector instructions."""
        if size >= _LARGE:
            return CPU.zeros(size, _BYTES)
        with self._lock:
            if size > len(self._rest):
                self._rest = CPU.zeros(_SLAB, _BYTES)
            taken = self._rest[:size]
            self._rest = self._rest[-(-size // _ALIGNMENT) * _ALIGNMENT :]
        return taken


slabs = Slabs()
