"""Graph: one computation, as it is described to cuDNN."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from caffe_core.blob import CHANNELS_LAST, CONTIGUOUS, Blob, MemoryFormat, Shape
from caffe_engine_cudnn.library import Library

_LEAST_AXES = 4  # cuDNN knows no images of one spatial axis: they get a second one, of length 1


@dataclass(frozen=True)
class Layout:
    """The shape of an array and the distances, in elements, between neighbours along each axis."""

    shape: Shape
    strides: Shape

    @classmethod
    def dense(cls, shape: Shape, memory_format: MemoryFormat) -> Layout:
        """Return the layout of an array without gaps, seen as ``(N, C, *spatial)``."""
        shape = (*shape[:2], *(1,) * (_LEAST_AXES - len(shape)), *shape[2:])
        order = list(range(len(shape)))
        if memory_format is CHANNELS_LAST:
            order.append(order.pop(1))
        strides, step = [0] * len(shape), 1
        for axis in reversed(order):
            strides[axis] = step
            step *= shape[axis]
        return cls(shape, tuple(strides))

    @classmethod
    def of(cls, blob: Blob) -> Layout:
        """Return the layout of a blob's data and diff."""
        return cls.dense(blob.shape, blob.format)

    def by_channel(self) -> Layout:
        """Return the layout of one number for each channel."""
        return self.dense((1, self.shape[1], *(1 for _ in self.shape[2:])), CONTIGUOUS)

    @property
    def count(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)


class Graph:
    """Tensors and operations between them, in float32.

    Attributes:
        operations: The frontend's graph, whose methods add operations.
        tensors: The numbers of the inputs and outputs, in the order in which `input` and `output`
            were called; arrays are given in that order when the computation runs.
        constants: Numbers that lie in the host's memory, by the numbers of their tensors.
    """

    def __init__(self, library: Library):
        self._float = library.module.data_type.FLOAT
        self.operations = library.module.pygraph(
            io_data_type=self._float,
            intermediate_data_type=self._float,
            compute_data_type=self._float,
            handle=library.handle,
        )
        self.tensors: list[int] = []
        self.constants: dict[int, np.ndarray[Any, np.dtype[np.float32]]] = {}

    def input(self, layout: Layout) -> Any:
        """Return a tensor that is read."""
        self.tensors.append(self._next())
        return self.operations.tensor(
            dim=layout.shape, stride=layout.strides, data_type=self._float, uid=self.tensors[-1]
        )

    def constant(self, value: float) -> Any:
        """Return a tensor that is one number."""
        number = self._next()
        self.constants[number] = np.array([value], np.float32)
        one = (1,) * _LEAST_AXES
        return self.operations.tensor(
            dim=one, stride=one, data_type=self._float, uid=number, is_pass_by_value=True
        )

    def output(self, tensor: Any, layout: Layout) -> None:
        """Let a tensor that an operation gave be written to memory."""
        self.tensors.append(self._next())
        tensor.set_output(True).set_data_type(self._float).set_uid(self.tensors[-1])
        tensor.set_dim(layout.shape).set_stride(layout.strides)

    def _next(self) -> int:
        """Tensors are numbered from 1 on."""
        return len(self.tensors) + len(self.constants) + 1


class Computation(Protocol):
    """What can be drawn as a graph. Equal ones share a plan, so they can be told by their hash."""

    def draw(self, graph: Graph) -> None:
        """Add the inputs, the operations and the outputs."""


def spatial(values: Sequence[int], missing: int) -> list[int]:
    """Return a number for each spatial axis that cuDNN knows; `missing` for one that it adds."""
    return [missing] * (_LEAST_AXES - 2 - len(values)) + list(values)
