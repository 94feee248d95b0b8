"""Native: cuDNN's C functions, for what its frontend has no graph or no code for."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from typing import Any

from caffe_engine_cudnn.graph import Layout
from caffe_engine_cudnn.library import CudnnError, Library

_FLOAT = 0
_POOLING_PASSES_OVER_NAN = 0

ONE, ZERO = (ctypes.pointer(ctypes.c_float(factor)) for factor in (1, 0))  # results overwrite


class Descriptor:
    """What cuDNN knows a shape or a geometry by; it goes when nobody refers to it.

    Args:
        native: Whose.
        kind: The part of the names of cuDNN's functions: ``Tensor`` or ``Pooling``.
        *values: What `kind`'s function ``SetNd`` takes.

    Raises:
        CudnnError: CuDNN does not take these.
    """

    def __init__(self, native: Native, kind: str, *values: Any):
        self.pointer = ctypes.c_void_p()
        native.call(f"cudnnCreate{kind}Descriptor", ctypes.byref(self.pointer))
        gone = native.function(f"cudnnDestroy{kind}Descriptor")
        weakref.finalize(self, gone, self.pointer).atexit = False
        native.call(f"cudnnSet{kind}NdDescriptor", self, *values)


class Native:
    """CuDNN's C functions on one GPU."""

    def __init__(self, library: Library):
        self._library = library

    def tensor(self, layout: Layout) -> Descriptor:
        """Return the descriptor of arrays that lie so in memory."""
        shape, strides = map(_ints, (layout.shape, layout.strides))
        return Descriptor(self, "Tensor", _FLOAT, len(layout.shape), shape, strides)

    def pooling(
        self, mode: int, kernel: Sequence[int], pad: Sequence[int], stride: Sequence[int]
    ) -> Descriptor:
        """Return the descriptor of windows over an image."""
        sides = map(_ints, (kernel, pad, stride))
        return Descriptor(self, "Pooling", mode, _POOLING_PASSES_OVER_NAN, len(kernel), *sides)

    def compute(self, name: str, *arguments: Any) -> None:
        """Call a function that works on arrays, which are given as they are.

        Raises:
            CudnnError: It does not do what was asked for.
        """
        self.call(name, ctypes.c_void_p(self._library.handle), *arguments)

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function.

        Raises:
            CudnnError: It fails.
        """
        status = self.function(name)(*map(self._passed, arguments))
        if status:
            words = self.function("cudnnGetErrorString")(status)
            raise CudnnError(f"{name} gives {words.decode()}")

    def function(self, name: str) -> Any:
        """Return a function.

        Raises:
            CudnnError: This version of cuDNN has it no more, or its library cannot be opened.
        """
        functions = self._library.functions
        try:
            return getattr(functions, name)
        except AttributeError as error:
            raise CudnnError(f"this cuDNN has no {name}") from error

    def _passed(self, argument: Any) -> Any:
        """How C gets an argument."""
        if isinstance(argument, int):
            return ctypes.c_int(argument)
        if isinstance(argument, float):
            return ctypes.c_double(argument)
        if isinstance(argument, Descriptor):
            return argument.pointer
        if hasattr(argument, "dtype"):
            return ctypes.c_void_p(self._library.address(argument))
        return argument


def _ints(values: Sequence[int]) -> Any:
    return (ctypes.c_int * len(values))(*values)
