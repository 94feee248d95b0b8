"""cuDNN and its Python frontend, found once for each GPU."""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
import sys
from types import ModuleType
from typing import Any

from caffe_core.cuda import tf32
from caffe_core.device import Device
from caffe_core.errors import CaffeError

_INSTALL = (
    "pip install 'caffe-engine-cudnn[frontend]' and the cuDNN of your driver's CUDA version: "
    "nvidia-cudnn-cu12 or nvidia-cudnn-cu13"
)


class CudnnError(CaffeError):
    """CuDNN is missing, or cannot do what was asked of it."""


@functools.cache
def frontend() -> ModuleType:
    """Return the module ``cudnn``.

    Raises:
        CudnnError: It is not installed, or finds no cuDNN. Says what to install.
    """
    try:
        module = importlib.import_module("cudnn")
    except ImportError as error:
        raise CudnnError(f"cuDNN's frontend does not import ({error}): {_INSTALL}") from error
    try:
        module.backend_version()
    except RuntimeError as error:
        raise CudnnError(f"cuDNN itself is not found ({error}): {_INSTALL}") from error
    return module


class Library:
    """CuDNN on one GPU.

    Args:
        device: A `caffe_core.cuda.device.CudaDevice`.

    Attributes:
        device: That GPU.
        module: The frontend.
        handle: What cuDNN knows the GPU and its stream by.
        tf32: Whether factors may be rounded to 10 bits, which tensor cores ask for.
        measures: Whether what is fastest is found out by trying. ``CAFFE_CUDNN_MEASURE=0`` forbids
            it, so that every run computes the same to the last bit.
        plans: How to run what has been asked for so far, by a description of it; an error where
            cuDNN cannot.
        fused: Whether what has a plan of its own is faster so than in parts, if that is known.

    Raises:
        CudnnError: It is missing, or does not start.
    """

    def __init__(self, device: Any):
        self.device, self.module = device, frontend()
        self.tf32 = tf32()
        self.measures = os.environ.get("CAFFE_CUDNN_MEASURE", "1") != "0"
        self.plans: dict[Any, Any] = {}
        self.fused: dict[Any, bool] = {}
        with device.active():
            try:
                self.handle = self.module.create_handle()
                self.module.set_stream(handle=self.handle, stream=device.stream.ptr)
            except RuntimeError as error:
                raise CudnnError(f"cuDNN does not start on {device}: {error}") from error

    @functools.cached_property
    def functions(self) -> ctypes.CDLL:
        """CuDNN's C functions: the library that the frontend has opened before.

        Raises:
            CudnnError: It is not found by its name.
        """
        major = self.module.backend_version() // 10000
        name = f"cudnn64_{major}.dll" if sys.platform == "win32" else f"libcudnn.so.{major}"
        try:
            functions = ctypes.CDLL(name)
        except OSError as error:
            raise CudnnError(
                f"cuDNN's C functions are not found ({error}): name the folder of {name} in "
                f"{'PATH' if sys.platform == 'win32' else 'LD_LIBRARY_PATH'}"
            ) from error
        functions.cudnnGetErrorString.restype = ctypes.c_char_p
        return functions

    def address(self, array: Any) -> int:
        """Return where an array of the device begins in its memory."""
        return int(array.data.ptr)


libraries: dict[Device, Library] = {}


def library_of(device: Device) -> Library:
    """Return cuDNN on a device, starting it on first use.

    Raises:
        CudnnError: The device is no GPU, or cuDNN is missing or does not start.
    """
    if device not in libraries:
        if not hasattr(device, "stream"):
            raise CudnnError(f"cuDNN runs on a GPU, not on {device}")
        libraries[device] = Library(device)
    return libraries[device]
