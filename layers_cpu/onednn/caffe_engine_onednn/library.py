"""libdnnl, loaded once."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sys
from ctypes import POINTER, byref, c_int, c_size_t, c_void_p
from pathlib import Path
from typing import Any

from caffe_core.errors import CaffeError

OLDEST = (3, 2)
_NAMES = ("libdnnl.so.3", "libdnnl.3.dylib", "dnnl.dll")


_STATUS = {
    1: "out of memory",
    2: "invalid arguments",
    3: "not implemented",
    4: "no more implementations",
    5: "runtime error",
    6: "not required",
}


class OnednnError(CaffeError):
    """The library is missing, or refuses what was asked of it."""


def check(status: int, what: str) -> None:
    """Raise an OnednnError if a call of the library did not succeed."""
    if status:
        raise OnednnError(f"oneDNN: {what}: {_STATUS.get(status, f'status {status}')}")


def find() -> Path | None:
    """Return the library's file: ``CAFFE_ONEDNN``, or where its wheel puts it; None: nowhere."""
    chosen = os.environ.get("CAFFE_ONEDNN")
    if chosen:
        return Path(chosen)
    folders = [Path(prefix) / "lib" for prefix in (sys.prefix, sys.base_prefix)]
    folders += [Path(sys.prefix) / "Library" / "bin"]
    folders += [Path(entry).parents[2] for entry in sys.path if entry.endswith("-packages")]
    for folder in folders:
        for name in _NAMES:
            if (folder / name).exists():
                return folder / name
    return None


class Library:
    """The loaded library with one CPU engine.

    Attributes:
        dll: Its functions.
        version: Major, minor and patch number.
        engine: Handle of the CPU engine.
    """

    def __init__(self, path: Path):
        self.dll: Any = ctypes.CDLL(str(path))
        self._declare()
        self.version = tuple(ctypes.cast(self.dll.dnnl_version(), POINTER(c_int))[:3])
        if self.version < OLDEST:
            raise OnednnError(
                f"oneDNN: {path} is version {'.'.join(map(str, self.version))}; "
                f"expected at least {'.'.join(map(str, OLDEST))}: pip install -U onednn-cpu-gomp"
            )
        self.engine = c_void_p()
        cpu = 1
        check(self.dll.dnnl_engine_create(byref(self.engine), cpu, c_size_t(0)), "engine")

    def _declare(self) -> None:
        """Give types to the functions for which ctypes' guesses are wrong, or slow."""
        dll = self.dll
        dll.dnnl_version.restype = c_void_p
        dll.dnnl_stream_destroy.argtypes = [c_void_p]
        dll.dnnl_primitive_attr_destroy.argtypes = [c_void_p]
        dll.dnnl_memory_desc_get_size.restype = c_size_t
        dll.dnnl_memory_desc_get_size.argtypes = [c_void_p]
        dll.dnnl_memory_desc_equal.argtypes = [c_void_p, c_void_p]
        dll.dnnl_memory_desc_destroy.argtypes = [c_void_p]
        dll.dnnl_memory_destroy.argtypes = [c_void_p]
        dll.dnnl_memory_set_data_handle.argtypes = [c_void_p, c_void_p]
        dll.dnnl_primitive_destroy.argtypes = [c_void_p]
        dll.dnnl_primitive_desc_destroy.argtypes = [c_void_p]
        dll.dnnl_primitive_desc_query_md.restype = c_void_p
        dll.dnnl_primitive_desc_query_md.argtypes = [c_void_p, c_int, c_int]
        dll.dnnl_primitive_desc_query.argtypes = [c_void_p, c_int, c_int, c_void_p]
        dll.dnnl_primitive_execute.argtypes = [c_void_p, c_void_p, c_int, c_void_p]


@functools.cache
def library() -> Library:
    """Return the library, loading it on first use.

    Raises:
        OnednnError: It is not installed, does not load, or is too old.
    """
    path = find()
    if path is None:
        raise OnednnError("oneDNN: libdnnl is not installed: pip install onednn-cpu-gomp")
    try:
        return Library(path)
    except OSError as error:
        raise OnednnError(
            f"oneDNN: {path} does not load ({error}). It needs libgomp: install your system's "
            "libgomp1 package, or choose another engine with CAFFE_ENGINES_CPU=caffe"
        ) from error


def _release_threads() -> None:
    """Let libgomp end its threads, which start again when needed: a forked child has none."""
    if library.cache_info().currsize:
        hard = 2
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL("libgomp.so.1").omp_pause_resource_all(hard)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_release_threads)


@functools.cache
def missing() -> str | None:
    """Return why the library cannot be used; None if it can."""
    try:
        library()
    except OnednnError as error:
        return str(error)
    return None
