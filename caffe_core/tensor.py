"""Storage that may live on the host and on a device, kept coherent on demand."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from caffe_core.alarm import Alarm, Alarms, ring, set_alarm
from caffe_core.device import CPU, Device

Allocate = Callable[[Device], Any]


class Head(Enum):
    """Which copy of a tensor is current; if none is, every element is zero."""

    UNINITIALIZED = "uninitialized"
    HOST = "host"
    DEVICE = "device"
    BOTH = "both"


@dataclass
class Moves:
    """How many copies between host and device were made in this process."""

    to_device: int = 0
    to_host: int = 0

    @property
    def total(self) -> int:
        """Copies in both directions."""
        return self.to_device + self.to_host


moves = Moves()


class Tensor:
    """A flat array with a copy on the host, on one device, or on both.

    An array is asked for with the intention: `read`, `modify` or `overwrite`. Bytes are copied only
    if the copy on that side is stale and its content is wanted; `moves` counts the copies. Memory
    is allocated on first use and starts as zeros, as in Caffe.

    Attributes:
        dtype: Element type.
        capacity: Elements allocated; a blob may use fewer.
        head: Which copy is current.
        version: Grows whenever the content may have changed; a kernel keys packed copies by it.
        moved: How many times it got other memory; a kernel's prebuilt addresses depend on it.
    """

    __slots__ = ("_allocate", "_arrays", "_beside", "_device", "_exposed", "_host", "_if_changed",
                 "_if_moved", "capacity", "dtype", "head", "moved", "version")  # fmt: skip

    head: Head
    _host: Any
    _arrays: Any
    _device: Device | None

    def __init__(self, capacity: int = 0, dtype: Any = np.float32):
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.capacity = capacity
        self.version = self.moved = 0
        self._exposed: list[weakref.ref[Any]] = []
        self._if_moved: Alarms = set()
        self._if_changed: Alarms = set()
        self.head = Head.UNINITIALIZED
        self._allocate: Allocate | None = None
        self._beside = CPU
        self._forget()

    def resize(self, count: int) -> None:
        """Make room for `count` elements. Growing loses the content; shrinking keeps the memory."""
        if count > self.capacity:
            self.own(count)

    def place(self, count: int, allocate: Allocate) -> None:
        """Move the first `count` elements into memory that `allocate` hands out for a device."""
        content = None if self.head is Head.UNINITIALIZED else self.read()[:count]
        self.capacity = count
        self._allocate = allocate
        self._forget()
        if content is not None:
            self.overwrite()[...] = content

    def borrow(self, count: int, device: Device, array: Any) -> None:
        """Use `array` of `device` as memory for `count` elements; the content is undefined."""
        self.own(count)
        if device is CPU:
            self._host = array
            self._turn(Head.HOST)
        else:
            self._arrays, self._device = array, device
            self._turn(Head.DEVICE)

    def own(self, count: int) -> None:
        """Use memory of its own for `count` elements; the content is lost."""
        self.capacity = count
        self._allocate = None
        self._forget()

    def read(self, device: Device = CPU) -> Any:
        """Return the content on `device`, not to be written to."""
        if device is CPU:
            if self.head is not Head.HOST and self.head is not Head.BOTH:
                self._fetch()
            return self._host
        if self.head not in (Head.DEVICE, Head.BOTH) or self._device is not device:
            self._send(device)
        return self._arrays

    def modify(self, device: Device = CPU) -> Any:
        """Return the content on `device`, to be changed in place."""
        self.version += 1
        if self._if_changed:
            ring(self._if_changed)
        if device is CPU:
            if self.head is not Head.HOST:
                self.read()
                self._turn(Head.HOST)
            return self._host
        array = self.read(device)
        if self.head is not Head.DEVICE:
            self._turn(Head.DEVICE)
        return array

    def overwrite(self, device: Device = CPU) -> Any:
        """Return an array on `device` of which the caller writes every element it uses."""
        self.version += 1
        if self._if_changed:
            ring(self._if_changed)
        if device is CPU:
            if self._host is None:
                self._host = self._memory(CPU)
            if self.head is not Head.HOST:
                self._turn(Head.HOST)
            return self._host
        self._allocate_on(device)
        if self.head is not Head.DEVICE:
            self._turn(Head.DEVICE)
        return self._arrays

    def clear(self) -> None:
        """Make every element zero. The memory is written when it is asked for, if it still is."""
        self._turn(Head.UNINITIALIZED)
        self.version += 1
        ring(self._if_changed)

    def expect(self, device: Device) -> None:
        """Let the host's memory, when it is allocated, suit copies to and from `device`."""
        self._beside = device

    def is_current(self, device: Device) -> bool:
        """Whether `read` on this device finds the content there."""
        if device is CPU:
            return self.head in (Head.HOST, Head.BOTH)
        return self.head in (Head.DEVICE, Head.BOTH) and self._device is device

    def is_only_on(self, device: Device) -> bool:
        """Whether the content is on this device and nowhere else, as after `overwrite`."""
        if device is CPU:
            return self.head is Head.HOST
        return self.head is Head.DEVICE and self._device is device

    def is_on(self, device: Device) -> bool:
        """Whether it has memory on this device."""
        return self._host is not None if device is CPU else self._device is device

    @property
    def is_clear(self) -> bool:
        """Whether every element is zero and none was asked for since; so adding is overwriting."""
        return self.head is Head.UNINITIALIZED

    def expose(self, array: Any) -> None:
        """Remember an array through which somebody may write unseen, for as long as it exists."""
        ring(self._if_changed)
        self._exposed.append(weakref.ref(array, self._exposed.remove))

    @property
    def is_exposed(self) -> bool:
        """Whether such an array still exists, so that the content may change unseen."""
        return bool(self._exposed)

    def ring_if_moved(self, alarm: Alarm) -> None:
        """Ring `alarm` once another copy is current, or the memory is another."""
        set_alarm(self._if_moved, alarm)

    def ring_if_changed(self, alarm: Alarm) -> None:
        """Ring `alarm` once the content may have changed, other than through exposed arrays."""
        set_alarm(self._if_changed, alarm)

    def _turn(self, head: Head) -> None:
        """Say that another copy is current."""
        self.head = head
        ring(self._if_moved)

    def _forget(self) -> None:
        self.head = Head.UNINITIALIZED
        ring(self._if_moved)
        ring(self._if_changed)
        self.version += 1
        self.moved += 1
        self._host = None
        self._arrays = None
        self._device = None

    def _memory(self, device: Device) -> Any:
        """Return memory of its own, or that which `place` says."""
        if self._allocate is not None:
            return self._allocate(device)
        if device is CPU:
            return self._beside.host_zeros(self.capacity, self.dtype)
        return device.zeros(self.capacity, self.dtype)

    def _fetch(self) -> None:
        """Bring the host copy up to date."""
        if self._host is None:
            self._host = self._memory(CPU)
        elif self.head is Head.UNINITIALIZED:
            self._host.fill(0)
        if self.head is Head.DEVICE and self._device is not None:
            self._device.download(self._arrays, self._host)
            moves.to_host += 1
            self._turn(Head.BOTH)
        else:
            self._turn(Head.HOST)

    def _send(self, device: Device) -> None:
        """Bring the copy on `device` up to date."""
        if self.head is Head.UNINITIALIZED:
            if self._device is device:
                device.clear(self._arrays)
            self._allocate_on(device)
            self._turn(Head.DEVICE)
            return
        host = self.read()
        self._allocate_on(device)
        device.upload(host, self._arrays)
        moves.to_device += 1
        self._turn(Head.BOTH)

    def _allocate_on(self, device: Device) -> None:
        if self._device is not device:
            self._arrays = self._memory(device)
            self._device = device
            ring(self._if_moved)
