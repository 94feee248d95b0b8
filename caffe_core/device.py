"""Where arrays live and arithmetic runs."""

from __future__ import annotations

import functools
import sys
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np

from caffe_core.errors import DeviceError

_ALIGNMENT = 64  # bytes: a cache line, and the widest vector register of a CPU
_NOTHING = nullcontext()


class Device:
    """One place where arrays live: the host's memory (`CPU`) or a GPU.

    Attributes:
        kind: ``cpu`` or ``cuda``; names the registry of its kernels.
        index: Which one of that kind.
        xp: The array module: NumPy or CuPy.
        largest: How many elements a blob may have there.
    """

    kind = "cpu"
    index = 0
    xp: ModuleType = np
    largest = sys.maxsize

    def __repr__(self) -> str:
        return self.kind if self is CPU else f"{self.kind}:{self.index}"

    def stored(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Return the type of an array of this device that holds numbers of `dtype`."""
        return dtype

    def zeros(self, count: int, dtype: np.dtype[Any]) -> Any:
        """Return a flat array of `count` zeros, aligned for vector instructions."""
        raw = np.zeros(count * dtype.itemsize + _ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % _ALIGNMENT
        return raw[start : start + count * dtype.itemsize].view(dtype)

    def host_zeros(self, count: int, dtype: np.dtype[Any]) -> Any:
        """Return a flat array of `count` zeros in the host's memory, to be copied to and fro."""
        return CPU.zeros(count, dtype)

    def scratch(self, size: int) -> Any:
        """Return an array of `size` bytes, aligned as `zeros` are, its content undefined."""
        return self.zeros(size, np.dtype(np.uint8))

    def clear(self, array: Any) -> None:
        """Write zeros to an array of this device."""
        array.fill(0)

    def upload(self, host: np.ndarray, target: Any) -> None:
        """Copy a host array into `target`, an array of this device."""
        np.copyto(target, host)

    def download(self, source: Any, host: np.ndarray) -> None:
        """Copy `source`, an array of this device, into a host array."""
        np.copyto(host, source)

    def active(self) -> AbstractContextManager[None]:
        """Return a context in which work goes to this device; kernels run inside of it."""
        return _NOTHING

    def synchronize(self) -> None:
        """Wait until everything asked of this device is done."""

    def moment(self) -> Any:
        """Return the moment at which everything asked of this device so far is done."""
        return perf_counter()

    def milliseconds(self, start: Any, end: Any) -> float:
        """Return the time between two moments, once the later one has come."""
        return float(end - start) * 1e3


CPU = Device()


@functools.cache
def device(name: str = "cpu") -> Device:
    """Return the device called `name`: ``cpu``, ``cuda`` or ``cuda:1``.

    ``emulated`` is for tests: kernels for CUDA run on the CPU, which takes g++ but no GPU.

    Raises:
        DeviceError: There is no such device, or the package that drives it is missing.
    """
    kind, _, number = name.partition(":")
    if name == "cpu":
        return CPU
    if name == "emulated":
        from caffe_core.testing.emulation import EmulatedDevice

        return EmulatedDevice()
    if kind != "cuda" or (number and not number.isdigit()):
        raise DeviceError(f"device {name!r}: expected 'cpu', 'cuda' or 'cuda:<number>'")
    if name != f"cuda:{int(number or 0)}":
        return device(f"cuda:{int(number or 0)}")
    from caffe_core.cuda.device import CudaDevice

    return CudaDevice(int(number or 0))
