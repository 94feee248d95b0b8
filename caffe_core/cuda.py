"""CUDA devices, through CuPy."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

import numpy as np

from caffe_core.device import Device
from caffe_core.errors import DeviceError


@functools.cache
def cupy() -> ModuleType:
    """Return CuPy.

    Raises:
        DeviceError: It is not installed, or finds no driver. The message says which wheel to take.
    """
    import importlib

    try:
        module = importlib.import_module("cupy")
    except ImportError as error:
        raise DeviceError(
            f"a CUDA device needs CuPy, which does not import ({error}). Install the wheel of your "
            "driver's CUDA version: pip install cupy-cuda12x (or cupy-cuda13x); "
            "without a GPU, choose the CPU."
        ) from error
    return module


def device_count() -> int:
    """Return how many CUDA devices this process can use: 0 without CuPy, driver or GPU."""
    try:
        return int(cupy().cuda.runtime.getDeviceCount())
    except Exception:
        return 0


class CudaDevice(Device):
    """One NVIDIA GPU."""

    kind = "cuda"

    def __init__(self, index: int):
        found = device_count()
        self.xp = cupy()
        if index >= found:
            raise DeviceError(
                f"cuda:{index} does not exist: {found} CUDA devices were found. "
                "`caffe device_query -gpu all` lists them; without a GPU, choose the CPU."
            )
        self.index = index

    def zeros(self, count: int, dtype: np.dtype[Any]) -> Any:
        """Return a flat array of `count` zeros in this GPU's memory."""
        with self.xp.cuda.Device(self.index):
            return self.xp.zeros(count, dtype)

    def upload(self, host: np.ndarray, target: Any) -> None:
        """Copy a host array into `target`, an array of this device."""
        target.set(host)

    def download(self, source: Any, host: np.ndarray) -> None:
        """Copy `source`, an array of this device, into a host array."""
        source.get(out=host)

    def synchronize(self) -> None:
        """Wait until everything asked of this device is done."""
        with self.xp.cuda.Device(self.index):
            self.xp.cuda.runtime.deviceSynchronize()
