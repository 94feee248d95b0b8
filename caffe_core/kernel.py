"""Kernel: the arithmetic of one layer on one device."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

import numpy as np

from caffe_core.alarm import Alarm
from caffe_core.blob import CONTIGUOUS, Blob, MemoryFormat
from caffe_core.device import CPU, Device
from caffe_core.layer import Layer


class Workspace:
    """Scratch memory that all kernels of a net share, since they run one after the other."""

    def __init__(self, device: Device = CPU):
        self.device = device
        self._bytes: Any = device.scratch(0)
        self._arrays: dict[Any, Any] = {}

    def array(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return scratch of this shape, its content undefined, valid until the kernel returns.

        Two arrays of one workspace overlap; who needs several asks for them together, by `arrays`.
        """
        key = (shape, dtype)
        if key not in self._arrays:
            self._arrays[key] = self._cut(math.prod(shape), dtype).reshape(shape)
        return self._arrays[key]

    def arrays(self, *wanted: tuple[tuple[int, ...], Any]) -> tuple[Any, ...]:
        """Return scratch of each of these shapes and dtypes, side by side.

        The same request gives the same tuple, until the workspace grows.
        """
        if wanted not in self._arrays:
            sizes = [math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in wanted]
            *starts, end = itertools.accumulate((_aligned(size) for size in sizes), initial=0)
            self.reserve(end)
            self._arrays[wanted] = tuple(
                self._bytes[start : start + size].view(dtype).reshape(shape)
                for start, size, (shape, dtype) in zip(starts, sizes, wanted, strict=True)
            )
        return cast(tuple[Any, ...], self._arrays[wanted])

    def like(self, array: Any, dtype: Any = None) -> Any:
        """Return scratch with the shape and memory order of `array`; for elementwise work."""
        dtype = np.dtype(dtype or array.dtype)
        key = (array.shape, array.strides, dtype)
        if key not in self._arrays:
            order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
            stored = self._cut(array.size, dtype).reshape([array.shape[axis] for axis in order])
            self._arrays[key] = stored.transpose([order.index(axis) for axis in range(array.ndim)])
        return self._arrays[key]

    def reserve(self, size: int) -> None:
        """Make room for `size` bytes, so that no later request up to that size allocates."""
        if size > len(self._bytes):
            self._bytes = self.device.scratch(size)
            self._arrays.clear()

    def _cut(self, count: int, dtype: Any) -> Any:
        size = count * np.dtype(dtype).itemsize
        self.reserve(size)
        return self._bytes[:size].view(dtype)


def _aligned(size: int) -> int:
    """`size` bytes rounded up to a cache line."""
    return -(-size // 64) * 64


class Kernel:
    """The arithmetic of one layer of a net on one device.

    One instance serves one layer. Subclasses override `forward` and `backward`, and `prepare` if
    there is work to be done once per shape. Arrays of a blob are ``blob.data`` and ``blob.diff``;
    their memory stays the same from one `prepare` to the next.

    Attributes:
        formats: The memory formats in which bottoms and tops may come; those of a layer that has
            bottoms all have the same one.
        prefers: The one in which the kernel is fastest, if it matters.
        joins_in_place: A joining layer's top may have the memory of what it is joined with.
        layer: The layer served.
        blobs: Its learned blobs, on this device.
        device: Where the arrays are.
        xp: NumPy or CuPy.
        workspace: Scratch memory.
        copies: What is copied beside the arithmetic, such as weights that are packed, in words for
            the plan; known when the kernel has been made ready.
        need_backward: Whether backward will run; if not, forward need not keep anything for it.
    """

    formats: ClassVar[Sequence[MemoryFormat]] = (CONTIGUOUS,)
    prefers: ClassVar[MemoryFormat | None] = None
    joins_in_place: ClassVar[bool] = False

    def __init__(self, layer: Layer, device: Device = CPU, workspace: Workspace | None = None):
        self.layer = layer
        self.device = device
        self.xp: Any = device.xp
        self.blobs = [blob.on(device) for blob in layer.blobs]
        self.workspace = workspace or Workspace(device)
        self.need_backward = True
        self.copies: list[str] = []

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Return why this kernel cannot run `layer`, which is set up and shaped; None if it can.

        The blobs are those of the device on which it would run. Shapes may change later: what is
        chosen by them must go on to work, if slower.
        """
        return None

    @classmethod
    def device_for(
        cls,
        layer: Layer,
        bottom: Sequence[Blob],
        top: Sequence[Blob],
        device: Device,
        precision: str,
    ) -> Device:
        """Return where a kernel on `device` has its arrays if the net is to have this precision.

        A device may hold numbers of fewer bits than the blobs' dtype (`Device.stored`).
        """
        return device

    def absorb(self, layer: Layer) -> bool:
        """Compute, in forward, `layer` too, which follows in place; return whether it is done.

        Called before `prepare`, once for each layer that follows, in order.
        """
        return False

    def absorb_join(self, layer: Layer, others: Sequence[Blob]) -> bool:
        """Compute, in forward, `layer` too, which reads the only top and `others`.

        If this is done, the kernel's bottoms are followed by `others`, and its top is the layer's.
        """
        return False

    def absorbs_backward(self, layer: Layer) -> bool:
        """Return whether backward computes that of an absorbed `layer` too."""
        return False

    def release(self) -> None:
        """Compute no other layers any more. `prepare` follows."""

    def hand_over(self, kernel: Kernel) -> None:
        """Leave to `kernel`, whose layer's backward was absorbed, what its forward would have kept.

        Called after `release` and `prepare` if backward is to run layer by layer, though the
        forward pass before it was fused.
        """

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make ready for the present shapes. Called before the first forward after a reshape."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write every element of each top's data."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def settle(self, alarm: Alarm) -> Sequence[Callable[[], int | None]] | None:
        """Return what is left of `forward` for as long as `alarm` is quiet; None if all of it is.

        Asked after a forward pass of a net that has no backward. `alarm` is to be set on all that
        the answer relies on. A call returns 0 or nothing, or else has failed; then `forward` is
        called to raise the error.
        """
        return None

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of each bottom that wants it; add to the diff of each learned blob.

        A learned blob's diff is only added to where ``layer.param_propagate_down`` says so. The
        default does nothing: right for layers that have no gradient, such as data and Accuracy.
        """
