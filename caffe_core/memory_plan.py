"""MemoryPlan: where the blobs lie whose lifetimes allow them to share memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_core.blob import Blob
from caffe_core.device import Device
from caffe_core.tensor import Tensor

_ALIGNMENT = 64  # bytes


@dataclass(eq=False)
class Lease:
    """Memory that one tensor needs for a part of a pass over the net.

    Attributes:
        tensor: What needs it.
        blobs: The blobs whose data or diff the tensor holds.
        device: Where it is read and written.
        start: The step at which it is first written.
        end: The step at which it is last read.
    """

    tensor: Tensor
    blobs: list[Blob]
    device: Device
    start: int
    end: int

    @property
    def count(self) -> int:
        """Elements that the largest of the blobs needs."""
        return max(blob.count for blob in self.blobs)

    @property
    def size(self) -> int:
        """Bytes, up to where the next lease may begin."""
        return -(-self.count * self.dtype.itemsize // _ALIGNMENT) * _ALIGNMENT

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the array."""
        return self.device.stored(self.tensor.dtype)

    def overlaps(self, other: Lease) -> bool:
        """Whether both are needed at some step on one device."""
        together = self.start <= other.end and other.start <= self.end
        return together and self.device is other.device


class MemoryPlan:
    """Places tensors in one stretch of memory for each device, by the lifetimes they have.

    The largest goes first, each to the lowest place that is free for as long as it lives.

    Attributes:
        leases: What is placed.
        size: Bytes needed in all.
        unshared: Bytes that it would take if each tensor had memory of its own.
    """

    def __init__(self, leases: Sequence[Lease]):
        self.leases = list(leases)
        self.size = self.unshared = 0
        self._counts: list[int] = []
        self._memory: dict[Device, Any] = {}

    def place(self) -> None:
        """Give every tensor its place, if a shape has changed; what they held is lost."""
        counts = [lease.count for lease in self.leases]
        if counts == self._counts:
            return
        self._counts = counts
        starts = self._starts()
        self.unshared = sum(lease.size for lease in self.leases)
        self.size = 0
        for device in {lease.device for lease in self.leases}:
            self._reserve(device, max(starts[lease] + lease.size for lease in self._on(device)))
        for lease in self.leases:
            count, dtype = lease.count, lease.dtype
            part = self._memory[lease.device][starts[lease] :][: count * dtype.itemsize]
            lease.tensor.borrow(count, lease.device, part.view(dtype))

    def lost_at(self, step: int, present: int | None) -> Blob | None:
        """Return a blob that is written before `step`, needed at it or later, and gone.

        Args:
            step: Where a pass is to begin.
            present: The step before which the last pass ended: what lives then is not gone.
        """
        for lease in self.leases:
            lives = present is not None and lease.start < present <= lease.end
            if lease.start < step <= lease.end and not lives:
                return lease.blobs[0]
        return None

    def _on(self, device: Device) -> list[Lease]:
        return [lease for lease in self.leases if lease.device is device]

    def _starts(self) -> dict[Lease, int]:
        starts: dict[Lease, int] = {}
        for lease in sorted(self.leases, key=lambda each: -each.size):
            taken = sorted(
                (starts[other], starts[other] + other.size)
                for other in starts
                if other.overlaps(lease)
            )
            start = 0
            for begin, end in taken:
                if start + lease.size <= begin:
                    break
                start = max(start, end)
            starts[lease] = start
        return starts

    def _reserve(self, device: Device, size: int) -> None:
        self.size += size
        if device not in self._memory or len(self._memory[device]) < size:
            self._memory[device] = device.scratch(size)
