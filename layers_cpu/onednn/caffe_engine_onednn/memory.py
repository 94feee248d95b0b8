"""Memory descriptors, and memories on NumPy arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import byref, c_int64, c_void_p
from typing import Any

import numpy as np

from caffe_core.blob import CHANNELS_LAST, Blob, MemoryFormat
from caffe_core.device import CPU, Device
from caffe_engine_onednn.constants import Type
from caffe_engine_onednn.library import check, library
from caffe_engine_onednn.slabs import slabs

_MOST_AXES = 12
_ANY = 1


def dims(values: Sequence[int]) -> Any:
    """Return numbers as the library takes them: an array of fixed length."""
    return (c_int64 * _MOST_AXES)(*values)


class Descriptor:
    """The shape, element type and layout of a memory.

    Attributes:
        shape: Length of each axis; empty if a primitive chose the layout.
        strides: Elements between neighbours along each axis, for memories without blocks.
    """

    def __init__(
        self, handle: c_void_p, shape: tuple[int, ...] = (), strides: tuple[int, ...] = ()
    ):
        self.handle, self.shape, self.strides = handle, shape, strides
        self.size: int = library().dll.dnnl_memory_desc_get_size(handle)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Descriptor) and bool(
            library().dll.dnnl_memory_desc_equal(self.handle, other.handle)
        )

    __hash__ = None  # type: ignore[assignment]

    def __del__(self) -> None:
        library().dll.dnnl_memory_desc_destroy(self.handle)


def strided(shape: Sequence[int], strides: Sequence[int], kind: Type = Type.F32) -> Descriptor:
    """Describe a memory with these strides, counted in elements."""
    handle = c_void_p()
    create = library().dll.dnnl_memory_desc_create_with_strides
    check(create(byref(handle), len(shape), dims(shape), kind, dims(strides)), "strided memory")
    return Descriptor(handle, tuple(shape), tuple(strides))


def dense(
    shape: Sequence[int], order: MemoryFormat | None = None, kind: Type = Type.F32
) -> Descriptor:
    """Describe a memory without gaps, contiguous or channels-last."""
    axes = list(range(len(shape)))
    if order is CHANNELS_LAST and len(shape) > 2:
        axes = [0, *axes[2:], 1]
    strides = [0] * len(shape)
    step = 1
    for axis in reversed(axes):
        strides[axis] = step
        step *= max(shape[axis], 1)
    return strided(shape, strides, kind)


def any_layout(shape: Sequence[int], kind: Type = Type.F32) -> Descriptor:
    """Describe a memory whose layout the primitive may choose."""
    handle = c_void_p()
    create = library().dll.dnnl_memory_desc_create_with_tag
    check(create(byref(handle), len(shape), dims(shape), kind, _ANY), "memory of any layout")
    return Descriptor(handle, tuple(shape))


def of_blob(blob: Blob) -> Descriptor:
    """Describe the data, or the diff, of a blob on the device from which it is seen."""
    return dense(blob.shape, blob.format, type_on(blob.device))


def type_on(device: Device) -> Type:
    """Return the type of the numbers that a device holds."""
    return Type.F32 if device is CPU else Type.BF16


class Memory:
    """A descriptor together with the array that holds the elements."""

    def __init__(self, descriptor: Descriptor, array: Any):
        self.descriptor, self.array = descriptor, array
        self.handle = c_void_p()
        address = c_void_p(array.ctypes.data)
        create = library().dll.dnnl_memory_create
        status = create(byref(self.handle), descriptor.handle, library().engine, address)
        check(status, "memory")

    def move(self, array: Any) -> None:
        """Use another array."""
        self.array = array
        check(library().dll.dnnl_memory_set_data_handle(self.handle, array.ctypes.data), "memory")

    def __del__(self) -> None:
        library().dll.dnnl_memory_destroy(self.handle)


def new_memory(descriptor: Descriptor) -> Memory:
    """Return a memory of its own for a descriptor."""
    return Memory(descriptor, slabs.zeros(descriptor.size))


def ones_memory(descriptor: Descriptor, kind: Type) -> Memory:
    """Return a memory of its own that holds ones."""
    memory = new_memory(descriptor)
    if kind is Type.BF16:
        memory.array.view(np.uint16).fill(0x3F80)
    else:
        memory.array.view(np.float32).fill(1)
    return memory


def data_memory(blob: Blob, descriptor: Descriptor | None = None) -> Memory:
    """Return the memory of a blob's data."""
    return Memory(descriptor or of_blob(blob), blob.data_tensor.read(blob.device))


def diff_memory(blob: Blob, descriptor: Descriptor | None = None) -> Memory:
    """Return the memory of a blob's diff."""
    return Memory(descriptor or of_blob(blob), blob.diff_tensor.read(blob.device))


def pointers(descriptors: Sequence[Descriptor]) -> Any:
    """Return the handles of several descriptors as one array."""
    return (c_void_p * len(descriptors))(*(each.handle for each in descriptors))


def floats(values: Sequence[float]) -> Any:
    """Return numbers as an array of C floats."""
    return (ctypes.c_float * len(values))(*values)
