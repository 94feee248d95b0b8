"""CUDA: devices through CuPy, and what kernels with CUDA C of their own stand on.

Here is what finds CuPy and the GPUs, and says what is wrong where they are not found.

- `device`: one GPU as a `caffe_core.device.Device`; `blas`: its products of matrices.
- `source`, `function`: CUDA C and launching it; `caffe.cuh` is what all of it starts with.
- `kernel`, `neuron`, `rule`: what kernels and update rules derive from.
- `layout`, `channels`, `correlation`, `parts`, `rows`, ...: what several kernels need.
"""

from __future__ import annotations

import functools
import os
from types import ModuleType

from caffe_core.errors import DeviceError

_INSTALL = "pip install 'cupy-cuda{major}x[ctk]'"


@functools.cache
def cupy() -> ModuleType:
    """Return CuPy.

    Raises:
        DeviceError: It is not installed, or a library of CUDA is missing. Says which wheel to take.
    """
    import importlib

    try:
        return importlib.import_module("cupy")
    except ImportError as error:
        raise DeviceError(
            f"a CUDA device needs CuPy, which does not import ({error}). Install the wheel of your "
            f"driver's CUDA version, which nvidia-smi shows: {_INSTALL.format(major=12)} or "
            f"{_INSTALL.format(major=13)}; without a GPU, choose the CPU."
        ) from error


def lacks_library(error: ImportError) -> DeviceError:
    """Return the error for a library of CUDA that CuPy misses only when it first needs it."""
    major = int(cupy().cuda.runtime.runtimeGetVersion()) // 1000
    return DeviceError(
        f"CuPy does not find a library of CUDA {major}: {error}. Install the libraries with it: "
        + _INSTALL.format(major=major)
    )


def tf32() -> bool:
    """Whether float32 products may round their factors to 10 bits, several times as fast.

    ``CAFFE_TF32=1`` lets them; it holds for cuBLAS and cuDNN alike.
    """
    return os.environ.get("CAFFE_TF32", "0") not in ("", "0")


def device_count() -> int:
    """Return how many CUDA devices this process can use: 0 without CuPy, driver or GPU."""
    try:
        return int(cupy().cuda.runtime.getDeviceCount())
    except Exception:
        return 0


def why_none() -> str:
    """Return why no CUDA device can be used, though CuPy imports, and what to do."""
    runtime = cupy().cuda.runtime
    built_for = int(runtime.runtimeGetVersion()) // 1000
    try:
        driver = int(runtime.driverGetVersion())
    except Exception:
        driver = 0
    if driver == 0:
        return "there is no NVIDIA driver. Install one, or choose the CPU"
    if driver // 1000 < built_for:
        return (
            f"the driver is for CUDA {driver // 1000}.{driver % 1000 // 10}, the CuPy wheel for "
            f"CUDA {built_for}. Install the wheel that fits: pip uninstall cupy-cuda{built_for}x; "
            f"{_INSTALL.format(major=driver // 1000)}"
        )
    try:
        runtime.getDeviceCount()
    except Exception as error:
        return f"the driver says: {error}. Look at nvidia-smi and CUDA_VISIBLE_DEVICES"
    return "the driver shows no GPU. Look at nvidia-smi and CUDA_VISIBLE_DEVICES"
