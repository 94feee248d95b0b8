"""The host's memory with numbers in bfloat16, seen as a device of its own."""

from __future__ import annotations

import atexit
import functools
import threading
from typing import Any

import numpy as np

from caffe_core.device import CPU, Device
from caffe_engine_onednn.constants import Arg, Type

_FEW = 4096


class Bfloat16(Device):
    """Arrays of bfloat16 in the host's memory; NumPy sees them as 16-bit integers.

    A tensor keeps a copy here beside the float32 one, as on any device, so numbers are converted
    only where a layer that computes in float32 meets one that does not, or where a user looks.
    """

    def __repr__(self) -> str:
        return "cpu in bfloat16"

    def stored(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Return the type of an array of this device that holds numbers of `dtype`."""
        return np.dtype(np.uint16) if dtype == np.float32 else dtype

    def zeros(self, count: int, dtype: np.dtype[Any]) -> Any:
        """Return a flat array of `count` zeros."""
        return CPU.zeros(count, self.stored(dtype))

    def upload(self, host: np.ndarray, target: Any) -> None:
        """Round float32 numbers to bfloat16."""
        _conversion(len(target), Type.F32, Type.BF16, threading.get_ident()).run(host, target)

    def download(self, source: Any, host: np.ndarray) -> None:
        """Widen bfloat16 numbers to float32."""
        if len(host) <= _FEW:  # a primitive costs more to set up
            np.left_shift(source, 16, out=host.view(np.uint32), dtype=np.uint32)
            return
        _conversion(len(host), Type.BF16, Type.F32, threading.get_ident()).run(source, host)


BFLOAT16 = Bfloat16()


class _Conversion:
    """A primitive that copies numbers from one type to another."""

    def __init__(self, count: int, source: Type, target: Type):
        from caffe_engine_onednn.context import Context
        from caffe_engine_onednn.library import library
        from caffe_engine_onednn.memory import Memory, dense
        from caffe_engine_onednn.primitive import Attributes, Primitive, Recipe

        empty = np.zeros(0, np.uint8)
        self._source = Memory(dense((count,), kind=source), empty)
        self._target = Memory(dense((count,), kind=target), empty)
        engine = library().engine
        recipe = Recipe(
            "reorder",
            self._source.descriptor,
            engine,
            self._target.descriptor,
            engine,
            Attributes(),
            engine=False,
        )
        memories = {Arg.SRC: self._source, Arg.DST: self._target}
        self._convert = Primitive(Context(), recipe, memories)
        self._empty = empty

    def run(self, source: Any, target: Any) -> None:
        """Convert one array into another."""
        self._source.move(source)
        self._target.move(target)
        self._convert()
        self._source.move(self._empty)
        self._target.move(self._empty)


@functools.lru_cache(maxsize=256)
def _conversion(count: int, source: Type, target: Type, thread: int) -> _Conversion:
    """Return a conversion that no other thread uses."""
    return _Conversion(count, source, target)


atexit.register(_conversion.cache_clear)  # while the library can still be called
