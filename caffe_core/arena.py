"""Arena: all learned blobs of a net in one contiguous array, their gradients in another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_core.device import CPU, Device
from caffe_core.graph import Parameter
from caffe_core.tensor import Tensor

_ALIGNMENT = 64  # bytes


@dataclass(frozen=True)
class Group:
    """A run of the arena in which every element has one learning rate and one decay."""

    start: int
    stop: int
    lr_mult: float
    decay_mult: float


class Arena:
    """Flat memory that holds every learned blob, so that an update is one pass over it.

    The blobs are moved in, ordered such that those with equal factors are neighbours; each starts
    at a cache line, and the gaps hold zeros.

    Attributes:
        parameters: What is in it, in the order of the net.
        dtype: Element type.
        size: Elements, gaps included.
        groups: The runs of equal factors.
    """

    def __init__(self, parameters: Sequence[Parameter], dtype: np.dtype[Any]):
        self.parameters = list(parameters)
        self.dtype = dtype
        self._start: dict[int, int] = {}
        self.groups = self._lay_out()
        self.size = self.groups[-1].stop if self.groups else 0
        self._flats = _Flats(self.size, dtype)
        for parameter in self.parameters:
            self._place("data", parameter, parameter.blob.data_tensor)
            self._place("diff", parameter, parameter.blob.diff_tensor)

    def data(self, device: Device = CPU) -> Any:
        """Return the values as one flat array on `device`, to be changed in place."""
        for parameter in self.parameters:
            parameter.blob.data_tensor.modify(device)
        return self._flats.get("data", device)

    def diff(self, device: Device = CPU) -> Any:
        """Return the gradients as one flat array on `device`, to be changed in place."""
        for parameter in self.parameters:
            parameter.blob.diff_tensor.modify(device)
        return self._flats.get("diff", device)

    def zeros(self, device: Device = CPU) -> Any:
        """Return another flat array of this layout, filled with zeros."""
        return device.zeros(self.size, self.dtype)

    def part(self, flat: Any, parameter: Parameter) -> Any:
        """Return the part of a flat array that belongs to `parameter`, in its shape."""
        start = self._start[id(parameter)]
        return flat[start : start + parameter.blob.count].reshape(parameter.blob.shape)

    def _lay_out(self) -> list[Group]:
        step = _ALIGNMENT // self.dtype.itemsize
        groups: list[Group] = []
        end = 0
        for parameter in sorted(
            self.parameters, key=lambda each: (-each.lr_mult, -each.decay_mult)
        ):
            factors = (parameter.lr_mult, parameter.decay_mult)
            self._start[id(parameter)] = end
            start, end = end, end + -(-parameter.blob.count // step) * step
            if groups and (groups[-1].lr_mult, groups[-1].decay_mult) == factors:
                start = groups.pop().start
            groups.append(Group(start, end, *factors))
        return groups

    def _place(self, kind: str, parameter: Parameter, tensor: Tensor) -> None:
        start, count = self._start[id(parameter)], parameter.blob.count
        flats = self._flats  # and not `self`, which holds the blob: both shall go when dropped
        tensor.place(count, lambda device: flats.get(kind, device)[start : start + count])


class _Flats:
    """The flat arrays of an arena, each made when it is first asked for."""

    def __init__(self, size: int, dtype: np.dtype[Any]):
        self._size, self._dtype = size, dtype
        self._arrays: dict[tuple[str, Device], Any] = {}

    def get(self, kind: str, device: Device) -> Any:
        """Return the values or the gradients on `device`."""
        if (kind, device) not in self._arrays:
            self._arrays[kind, device] = device.zeros(self._size, self._dtype)
        return self._arrays[kind, device]
