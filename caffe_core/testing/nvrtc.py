"""NVRTC: NVIDIA's compiler of CUDA C, from its wheel; it needs neither a GPU nor a driver."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from caffe_core.cuda.source import Source
from caffe_core.errors import DeviceError

_WHEELS = ("nvidia.cuda_nvrtc", "nvidia.cu13")


@functools.cache
def library() -> ctypes.CDLL | None:
    """Return the library; None where no wheel with it is installed."""
    for wheel in _WHEELS:
        try:
            found = importlib.util.find_spec(wheel)
        except ModuleNotFoundError:
            continue
        for folder in (found.submodule_search_locations or []) if found else []:
            for path in sorted((Path(folder) / "lib").glob("libnvrtc.so.*")):
                return ctypes.CDLL(str(path))
    return None


def compile_ptx(source: Source, dtype: np.dtype[Any], architecture: str) -> str:
    """Return the PTX of `source` where ``Real`` is `dtype`.

    Args:
        source: The CUDA C.
        dtype: float32 or float64.
        architecture: Such as ``sm_90``.

    Raises:
        DeviceError: It does not compile, or with warnings; the message is the compiler's.
    """
    nvrtc = library()
    if nvrtc is None:
        raise DeviceError("NVRTC is not installed. Try: pip install nvidia-cuda-nvrtc-cu12")
    virtual = architecture.replace("sm_", "compute_")
    options = [f"--gpu-architecture={virtual}", "--std=c++17"]
    program = ctypes.c_void_p()
    code = source.rendered(dtype).encode()
    _check(nvrtc.nvrtcCreateProgram(
        ctypes.byref(program), code, source.name.encode(), 0, None, None
    ))  # fmt: skip
    try:
        arguments = (ctypes.c_char_p * len(options))(*(each.encode() for each in options))
        failed = nvrtc.nvrtcCompileProgram(program, len(options), arguments)
        log = _text(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program)
        if failed or "warning" in log:
            raise DeviceError(f"{source.name} for {architecture}, {dtype}:\n{log}")
        return _text(nvrtc.nvrtcGetPTXSize, nvrtc.nvrtcGetPTX, program)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _text(size_of: Any, get: Any, program: ctypes.c_void_p) -> str:
    size = ctypes.c_size_t()
    _check(size_of(program, ctypes.byref(size)))
    buffer = ctypes.create_string_buffer(size.value)
    _check(get(program, buffer))
    return buffer.value.decode()


def _check(status: int) -> None:
    if status:
        raise DeviceError(f"NVRTC failed with status {status}")
