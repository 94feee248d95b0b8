"""As much of cuDNN's frontend as the engine asks for: graphs that NumPy computes, in host memory.

It reads and writes by address, shape and strides, as cuDNN does, and takes what cuDNN 9 takes in
float32 without tensor cores; what it has no code for, `Frontend.unsupported` says.
"""

from __future__ import annotations

import ctypes
import enum
import itertools
import math
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

data_type = enum.Enum("data_type", ["FLOAT"])
heur_mode = enum.Enum("heur_mode", ["A", "FALLBACK"])
numerical_note = enum.Enum(
    "numerical_note",
    ["DOWN_CONVERT_INPUTS", "NONDETERMINISTIC", "REDUCED_PRECISION_REDUCTION", "TENSOR_CORE"],
)


class NotSupportedError(Exception):
    pass


@dataclass(frozen=True)
class Way:
    """One of cuDNN's ways to run a graph."""

    notes: frozenset = frozenset()
    room: int = 96
    seconds: float = 0.0
    builds: bool = True


class Tensor:
    def __init__(self, graph, compute=None, dim=(), stride=(), uid=None):
        self.graph, self.compute, self.uid = graph, compute, uid
        self.dim, self.stride = tuple(dim), tuple(stride)

    def set_output(self, value):
        assert value
        self.graph.outputs.append(self)
        return self

    def set_data_type(self, value):
        assert value is data_type.FLOAT
        return self

    def set_uid(self, value):
        self.uid = value
        return self

    def set_dim(self, value):
        assert not self.dim or self.dim == tuple(value), (self.dim, value)
        self.dim = tuple(value)
        return self

    def set_stride(self, value):
        self.stride = tuple(value)
        return self


@dataclass
class Frontend:
    """The module.

    Attributes:
        ways: To run any graph.
        unsupported: Sequences of operations for which there are none.
        channels_together: What the number of channels must be a multiple of to be normalised.
        ran: The sequence of operations and the way of each graph that ran.
    """

    ways: list = field(default_factory=lambda: [Way()])
    unsupported: set = field(
        default_factory=lambda: {
            ("conv_fprop", "relu"),
            ("conv_dgrad", "bias"),
            ("conv_dgrad", "relu"),
            ("conv_dgrad", "bias", "relu"),
        }
    )
    channels_together: int = 1
    ran: list = field(default_factory=list)
    data_type = data_type
    heur_mode = heur_mode
    numerical_note = numerical_note
    cudnnGraphNotSupportedError = NotSupportedError

    def pygraph(self, io_data_type, intermediate_data_type, compute_data_type, handle):
        assert io_data_type is intermediate_data_type is compute_data_type is data_type.FLOAT
        return Graph(self, handle)


class Graph:
    def __init__(self, frontend, handle):
        self.frontend, self.handle = frontend, handle
        self.operations, self.inputs, self.outputs = [], [], []
        self.barred, self.built, self.most_room = set(), set(), math.inf

    def tensor(self, dim, stride, data_type, uid, is_pass_by_value=False):
        assert len(dim) == len(stride) >= 4
        assert not is_pass_by_value or math.prod(dim) == 1
        assert data_type is Frontend.data_type.FLOAT
        self.inputs.append(Tensor(self, None, dim, stride, uid))
        return self.inputs[-1]

    def conv_fprop(self, image, weight, pre_padding, post_padding, stride, dilation):
        geometry = Geometry(pre_padding, post_padding, stride, dilation)
        return self._add("conv_fprop", lambda x, w, shape: geometry.output(x, w), image, weight)

    def conv_dgrad(self, loss, filter, pre_padding, post_padding, stride, dilation):
        geometry = Geometry(pre_padding, post_padding, stride, dilation)
        return self._add("conv_dgrad", geometry.image, loss, filter)

    def conv_wgrad(self, image, loss, pre_padding, post_padding, stride, dilation):
        geometry = Geometry(pre_padding, post_padding, stride, dilation)
        return self._add("conv_wgrad", geometry.weight, image, loss)

    def bias(self, input, bias):
        assert bias.dim == (1, input.dim[1], *(1 for _ in input.dim[2:]))
        return self._add("bias", lambda x, b, shape: x + b, input, bias)

    def relu(self, input):
        return self._add("relu", lambda x, shape: np.maximum(x, 0), input)

    def batchnorm(self, input, scale, bias, in_running_mean, in_running_var, epsilon, momentum):
        assert in_running_mean is in_running_var is momentum is None
        axes = (0, *range(2, len(input.dim)))

        def compute(x, factor, offset, eps):
            mean, variance = (each(x, axes, keepdims=True) for each in (np.mean, np.var))
            inverse = 1 / np.sqrt(variance + eps)
            return (x - mean) * inverse * factor + offset, mean, inverse

        parts = self._add_many("batchnorm", compute, 3, input, scale, bias, epsilon)
        return [*parts, None, None]

    def batchnorm_backward(self, grad, input, scale, mean, inv_variance):
        axes = (0, *range(2, len(input.dim)))

        def compute(dy, x, factor, center, inverse):
            y = (x - center) * inverse
            slope, offset = ((each * dy).sum(axes, keepdims=True) for each in (y, 1))
            values = x.size // x.shape[1]
            return (dy - offset / values - y * slope / values) * inverse * factor, slope, offset

        return self._add_many(
            "batchnorm_backward", compute, 3, grad, input, scale, mean, inv_variance
        )

    def validate(self):
        for tensor in (*self.inputs, *self.outputs):
            assert tensor.dim
            assert len(tensor.dim) == len(tensor.stride)
        numbers = sorted(tensor.uid for tensor in (*self.inputs, *self.outputs))
        assert numbers == list(range(1, len(numbers) + 1))

    def build_operation_graph(self):
        normalises = self.operations[0].startswith("batchnorm")
        odd = normalises and self.inputs[0].dim[1] % self.frontend.channels_together
        if odd or tuple(self.operations) in self.frontend.unsupported:
            raise NotSupportedError("No valid engine configs\nand pages more")

    def create_execution_plans(self, modes):
        assert modes == [heur_mode.A, heur_mode.FALLBACK]

    def deselect_numeric_notes(self, notes):
        self.barred |= set(notes)

    def deselect_workspace_greater_than(self, size):
        self.most_room = size

    def check_support(self):
        if not any(map(self._is_allowed, self.frontend.ways)):
            raise NotSupportedError("no engine is left")

    def get_execution_plan_count(self):
        return len(self.frontend.ways)

    def build_plan_at_index(self, index):
        way = self.frontend.ways[index]
        if not way.builds:
            raise RuntimeError("does not compile")
        if not self._is_allowed(way):
            raise NotSupportedError("deselected")
        self.built.add(index)

    def get_workspace_size_plan_at_index(self, index):
        assert index in self.built
        return self.frontend.ways[index].room

    def execute_plan_at_index(self, pack, workspace, index, handle):
        assert handle == self.handle
        assert index in self.built
        way = self.frontend.ways[index]
        known = {tensor: memory(pack[tensor.uid], tensor) for tensor in self.inputs}
        results = [self._value(tensor, known) for tensor in self.outputs]
        ctypes.memset(workspace, 0xFF, way.room)  # whatever shares it becomes NaN
        time.sleep(way.seconds)
        for tensor, result in zip(self.outputs, results, strict=True):
            memory(pack[tensor.uid], tensor)[...] = result
        self.frontend.ran.append((tuple(self.operations), index))

    def _is_allowed(self, way):
        return not way.notes & self.barred and way.room <= self.most_room

    def _add(self, name, compute, *tensors):
        self.operations.append(name)
        dim = () if name.startswith("conv") else tensors[0].dim
        return Tensor(self, (compute, tensors), dim)

    def _add_many(self, name, compute, count, *tensors):
        """Results of one operation, each of which computes it: as good as once."""
        self.operations.append(name)

        def part(index):
            return lambda *values, shape: compute(*values)[index]

        return [Tensor(self, (part(index), tensors)) for index in range(count)]

    def _value(self, tensor, known):
        if tensor not in known:
            compute, tensors = tensor.compute
            values = (self._value(each, known) for each in tensors)
            known[tensor] = compute(*values, shape=tensor.dim)
        return known[tensor]


def memory(address, tensor):
    """The array that lies at an address."""
    size = 1 + sum((n - 1) * step for n, step in zip(tensor.dim, tensor.stride, strict=True))
    flat = np.frombuffer((ctypes.c_float * size).from_address(address), np.float32)
    return np.lib.stride_tricks.as_strided(flat, tensor.dim, [4 * each for each in tensor.stride])


class Geometry:
    """Cross-correlation, element by element of the kernel."""

    def __init__(self, before, after, stride, dilation):
        self.before, self.after, self.stride, self.dilation = before, after, stride, dilation

    def output(self, image, weight):
        positions = self._positions(image.shape, weight.shape)
        result = np.zeros((len(image), len(weight), *positions), np.float32)
        padded = self._padded(image)
        for taps, seen in self._taps(weight.shape, positions):
            result += _grouped("ngc...,gkc->ngk...", padded[seen], weight[taps])
        return result

    def image(self, output, weight, shape):
        assert output.shape[2:] == self._positions(shape, weight.shape)
        padded = self._padded(np.zeros(shape, np.float32))
        for taps, seen in self._taps(weight.shape, output.shape[2:]):
            groups = shape[1] // weight.shape[1]
            part = weight[taps].reshape(groups, -1, weight.shape[1])
            dy = output.reshape(len(output), groups, -1, *output.shape[2:])
            padded[seen] += np.einsum("ngk...,gkc->ngc...", dy, part).reshape(padded[seen].shape)
        inside = tuple(
            slice(before, before + length)
            for before, length in zip(self.before, shape[2:], strict=True)
        )
        return padded[(slice(None), slice(None), *inside)]

    def weight(self, image, output, shape):
        assert output.shape[2:] == self._positions(image.shape, shape)
        result, padded = np.zeros(shape, np.float32), self._padded(image)
        groups = image.shape[1] // shape[1]
        dy = output.reshape(len(output), groups, -1, math.prod(output.shape[2:]))
        for taps, seen in self._taps(shape, output.shape[2:]):
            x = padded[seen].reshape(len(image), groups, shape[1], -1)
            result[taps] = np.einsum("ngcp,ngkp->gkc", x, dy).reshape(shape[:2])
        return result

    def _positions(self, image, weight):
        sides = zip(
            image[2:], weight[2:], self.before, self.after, self.stride, self.dilation, strict=True
        )
        return tuple(
            (length + before + after - gap * (taps - 1) - 1) // step + 1
            for length, taps, before, after, step, gap in sides
        )

    def _padded(self, image):
        return np.pad(image, [(0, 0), (0, 0), *zip(self.before, self.after, strict=True)])

    def _taps(self, weight, positions):
        """Each element of the kernel, and where in the padded image it sees something."""
        for taps in itertools.product(*map(range, weight[2:])):
            seen = tuple(
                slice(tap * gap, tap * gap + (count - 1) * step + 1, step)
                for tap, gap, step, count in zip(
                    taps, self.dilation, self.stride, positions, strict=True
                )
            )
            yield (slice(None), slice(None), *taps), (slice(None), slice(None), *seen)


def _grouped(letters, image, weight):
    groups = image.shape[1] // weight.shape[1]
    x = image.reshape(len(image), groups, -1, *image.shape[2:])
    w = weight.reshape(groups, -1, weight.shape[1])
    result = np.einsum(letters, x, w)
    return result.reshape(len(image), len(weight), *image.shape[2:])


class InterpretedLibrary(SimpleNamespace):
    """What `caffe_engine_cudnn.library.Library` is for a GPU."""

    def __init__(self, device, tf32=False):
        super().__init__(device=device, module=Frontend(), handle=4100, tf32=tf32)
        self.measures = False
        self.plans, self.fused = {}, {}

    def address(self, array):
        assert isinstance(array, np.ndarray)
        return array.ctypes.data
