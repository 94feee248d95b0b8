"""EmulatedDevice: a CUDA device that is none, to test kernels where there is no GPU."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from caffe_core.cuda.blas import layout
from caffe_core.cuda.function import LARGEST, NULL, Function
from caffe_core.cuda.source import Signature, Source
from caffe_core.device import Device
from caffe_core.errors import DeviceError
from caffe_core.testing.emulation.array import (
    DeviceArray,
    Surface,
    active,
    bare,
    expect_active,
    on_device,
)
from caffe_core.testing.emulation.compiler import compiler, entry

_MOST_BLOCKS = 7  # few, so that loops over several rounds are tested too


class EmulatedDevice(Device):
    """Runs kernels for CUDA on the CPU: CUDA C through g++, the rest through NumPy.

    Its arrays are apart from the host's, so copies between the two are made and counted as with a
    GPU, and they do what CuPy's do. What it cannot tell: speed.

    Args:
        backwards: Threads, warps and blocks take their turns in the opposite order. A kernel whose
            results differ then has a race.

    Attributes:
        blas: Matrix products.
    """

    kind = "cuda"
    largest = LARGEST
    xp = Surface("emulated_cupy")

    def __init__(self, *, backwards: bool = False) -> None:
        if compiler() is None:
            raise DeviceError("the emulated device needs g++, which is not installed")
        self._backwards = backwards
        self.blas = EmulatedBlas()
        self._functions: dict[tuple[Source, str, np.dtype[Any]], Function] = {}

    def __repr__(self) -> str:
        return "emulated"

    def active(self) -> AbstractContextManager[None]:
        """Take work, as a GPU does in its stream."""
        return active()

    def zeros(self, count: int, dtype: np.dtype[Any]) -> Any:
        """Return a flat array of `count` zeros."""
        return on_device(super().zeros(count, dtype))

    def scratch(self, size: int) -> Any:
        """Return an array of `size` bytes that hold NaN, whatever the type of float."""
        array = self.zeros(size, np.dtype(np.uint8))
        array.fill(0xFF)
        return array

    def upload(self, host: np.ndarray, target: Any) -> None:
        """Copy a host array into `target`, an array of this device."""
        bare(target)[...] = host

    def download(self, source: Any, host: np.ndarray) -> None:
        """Copy `source`, an array of this device, into a host array."""
        host[...] = bare(source)

    def pinned(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        """Return a host array."""
        return np.zeros(shape, dtype)

    def send(self, hosts: Sequence[np.ndarray], targets: Sequence[Any], after: Any) -> Any:
        """Copy flat arrays into arrays of this device; return an event."""
        for host, target in zip(hosts, targets, strict=True):
            self.upload(host, target)
        return self.mark()

    def wait_for(self, event: Any) -> None:
        """Do nothing: whatever was asked for is done."""

    def mark(self) -> Any:
        """Return an event that has happened."""
        return _Happened()

    def function(self, source: Source, name: str, dtype: np.dtype[Any]) -> Function:
        """Return a function in CUDA C, compiled for the CPU where ``Real`` is `dtype`.

        Raises:
            DeviceError: There is none of that name, or it does not compile.
        """
        key = (source, name, dtype)
        if key not in self._functions:
            signature = source.signature(name)
            launch = _Launcher(source, signature, dtype, self._backwards)
            self._functions[key] = Function(signature, dtype, launch, _MOST_BLOCKS)
        return self._functions[key]


class _Happened:
    """An event of the past."""

    def synchronize(self) -> None:
        """Do not wait."""


class EmulatedBlas:
    """What `caffe_core.cuda.blas.Blas` does, by NumPy."""

    def gemm(self, a: Any, b: Any, out: Any, *, add: bool = False) -> None:
        """Write ``a b`` to `out`, or add it to `out`."""
        expect_active("a product")
        for matrices in (a, b, out):
            if matrices.size:
                layout(matrices)
        if out.ndim == 2 and out.shape[1] > 1 and out.strides[1] != out.itemsize:
            raise ValueError("the rows of a product must be in order")
        product = np.matmul(bare(a), bare(b))
        if add:
            out += on_device(product)
        else:
            out[...] = on_device(product)


class _Launcher:
    """Starts one function, after checking that arrays are what it takes."""

    def __init__(
        self,
        source: Source,
        signature: Signature,
        real: np.dtype[Any],
        backwards: bool,
    ):
        self._where = f"{signature.name} of {source.name}"
        self._parameters, self._real = signature.parameters, real
        self._entry, self._backwards = entry(source, signature.name, real), backwards

    def __call__(self, grid: tuple[int], block: tuple[int], arguments: tuple[Any, ...]) -> None:
        expect_active(self._where)
        if block[0] % 32 or not 0 < block[0] <= 1024:
            raise DeviceError(f"{self._where}: a block of {block[0]} threads is no whole of warps")
        values = [
            self._address(parameter, value) if parameter.pointer else np.array(value)
            for parameter, value in zip(self._parameters, arguments, strict=True)
        ]
        addresses = (ctypes.c_void_p * len(values))(*(value.ctypes.data for value in values))
        if not self._entry(addresses, grid[0], block[0], self._backwards):
            raise DeviceError(f"{self._where}: some threads wait for others that never come")

    def _address(self, parameter: Any, array: Any) -> np.ndarray:
        if array is NULL:
            return np.array(array)
        wanted = parameter.dtype(self._real)
        if not isinstance(array, DeviceArray) or array.dtype != wanted:
            found = getattr(array, "dtype", type(array).__name__)
            if isinstance(array, np.ndarray) and not isinstance(array, DeviceArray):
                found = f"one of the host, of {found}"
            raise DeviceError(
                f"{self._where}: {parameter.name} is an array of {wanted} on the device, "
                f"got {found}"
            )
        if array.size and not _is_whole(array):
            raise DeviceError(
                f"{self._where}: {parameter.name} has gaps between its elements: shape "
                f"{array.shape}, strides {array.strides}"
            )
        return np.array(array.ctypes.data, np.uintp)


def _is_whole(array: np.ndarray) -> bool:
    """Whether the elements lie side by side, in whatever order of axes."""
    order = sorted(range(array.ndim), key=lambda axis: (-array.strides[axis], -array.shape[axis]))
    return bool(array.transpose(order).flags.c_contiguous)
