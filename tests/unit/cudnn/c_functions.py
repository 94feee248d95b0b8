"""As many of cuDNN's C functions as the engine calls, for arrays in host memory.

They take what ctypes passes on, in the order of cuDNN's declarations.
"""

from __future__ import annotations

import ctypes
import itertools
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

BAD_PARAM, NOT_SUPPORTED = 2000, 3000
FLOAT, ACCURATE, CHANNEL, SPATIAL = 0, 1, 1, 1
AVERAGE_COUNT_INCLUDE_PADDING, MAX_DETERMINISTIC = 1, 3


@dataclass
class Functions:
    """The library.

    Attributes:
        ran: Where the name of each function that computes is noted.
        unsupported: Functions that refuse.
        described: What descriptors there are, by address.
    """

    ran: list
    unsupported: set = field(default_factory=set)
    described: dict = field(default_factory=dict)
    addresses: itertools.count = field(default_factory=lambda: itertools.count(4096, 8))

    def cudnnGetErrorString(self, status):
        return {BAD_PARAM: b"CUDNN_STATUS_BAD_PARAM"}.get(status, b"CUDNN_STATUS_NOT_SUPPORTED")

    def cudnnCreateTensorDescriptor(self, place):
        place._obj.value = next(self.addresses)
        self.described[place._obj.value] = None
        return 0

    cudnnCreatePoolingDescriptor = cudnnCreateTensorDescriptor

    def cudnnDestroyTensorDescriptor(self, descriptor):
        del self.described[descriptor.value]
        return 0

    cudnnDestroyPoolingDescriptor = cudnnDestroyTensorDescriptor

    def cudnnSetTensorNdDescriptor(self, descriptor, data_type, axes, shape, strides):
        if data_type.value != FLOAT or not 4 <= axes.value <= 8:
            return BAD_PARAM
        assert len(shape) == len(strides) == axes.value
        self.described[descriptor.value] = tuple(shape), tuple(strides)
        return 0

    def cudnnSetPoolingNdDescriptor(self, descriptor, mode, nan, axes, kernel, pad, stride):
        assert len(kernel) == len(pad) == len(stride) == axes.value
        assert nan.value == 0
        self.described[descriptor.value] = SimpleNamespace(
            mode=mode.value, kernel=tuple(kernel), pad=tuple(pad), stride=tuple(stride)
        )
        return 0

    def cudnnPoolingForward(self, handle, pooling, one, x_at, x, zero, y_at, y):
        def compute():
            windows, image = self.described[pooling.value], self._array(x_at, x)
            seen = _windows(windows, image)
            assert seen.shape[:4] == self._array(y_at, y).shape
            if windows.mode == MAX_DETERMINISTIC:
                return y_at, y, seen.max((4, 5))
            return y_at, y, np.nan_to_num(seen, neginf=0).mean((4, 5))

        return self._run("cudnnPoolingForward", handle, one, zero, compute)

    def cudnnPoolingBackward(
        self, handle, pooling, one, y_at, y, dy_at, dy, x_at, x, zero, dx_at, dx
    ):
        def compute():
            windows, image = self.described[pooling.value], self._array(x_at, x)
            seen, slope = _windows(windows, image), self._array(dy_at, dy)[..., None, None]
            if windows.mode == MAX_DETERMINISTIC:
                equal = seen == self._array(y_at, y)[..., None, None]
                first = np.argmax(equal.reshape(*seen.shape[:4], -1), -1)
                share = np.eye(seen[0, 0, 0, 0].size)[first].reshape(seen.shape)
            else:
                share = np.full(seen.shape, 1 / seen[0, 0, 0, 0].size)
            padded = _padded(windows, np.zeros_like(image))
            places = _windows(windows, np.arange(padded.size).reshape(padded.shape), padded=True)
            np.add.at(padded.reshape(-1), places, share * slope)
            inside = tuple(
                slice(pad, pad + length)
                for pad, length in zip(windows.pad, image.shape[2:], strict=True)
            )
            return dx_at, dx, padded[(..., *inside)]

        return self._run("cudnnPoolingBackward", handle, one, zero, compute)

    def cudnnSoftmaxForward(self, handle, algorithm, mode, one, x_at, x, zero, y_at, y):
        assert (algorithm.value, mode.value) == (ACCURATE, CHANNEL)
        assert x.value != y.value

        def compute():
            scores = self._array(x_at, x)
            powers = np.exp(scores - scores.max(1, keepdims=True))
            return y_at, y, powers / powers.sum(1, keepdims=True)

        return self._run("cudnnSoftmaxForward", handle, one, zero, compute)

    def cudnnSoftmaxBackward(
        self, handle, algorithm, mode, one, y_at, y, dy_at, dy, zero, dx_at, dx
    ):
        assert (algorithm.value, mode.value) == (ACCURATE, CHANNEL)

        def compute():
            top, slope = self._array(y_at, y), self._array(dy_at, dy)
            return dx_at, dx, (slope - (top * slope).sum(1, keepdims=True)) * top

        return self._run("cudnnSoftmaxBackward", handle, one, zero, compute)

    def cudnnBatchNormalizationForwardInference(
        self, handle, mode, one, zero, x_at, x, y_at, y, at, scale, bias, mean, variance, epsilon
    ):
        assert mode.value == SPATIAL

        def compute():
            factor, offset, center, spread = (
                self._array(at, each) for each in (scale, bias, mean, variance)
            )
            distance = self._array(x_at, x) - center
            return y_at, y, factor * distance / np.sqrt(spread + epsilon.value) + offset

        return self._run("cudnnBatchNormalizationForwardInference", handle, one, zero, compute)

    def _run(self, name, handle, one, zero, compute):
        assert isinstance(handle, ctypes.c_void_p)
        assert (one[0], zero[0]) == (1, 0)
        if name in self.unsupported:
            return NOT_SUPPORTED
        descriptor, pointer, result = compute()
        self._array(descriptor, pointer)[...] = result
        self.ran.append(name)
        return 0

    def _array(self, descriptor, pointer):
        shape, strides = self.described[descriptor.value]
        size = 1 + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        flat = np.frombuffer((ctypes.c_float * size).from_address(pointer.value), np.float32)
        return np.lib.stride_tricks.as_strided(flat, shape, [4 * step for step in strides])


def _padded(windows, image):
    pads = [(0, 0), (0, 0), *((pad, pad) for pad in windows.pad)]
    return np.pad(image, pads, constant_values=-np.inf)


def _windows(windows, image, padded=False):
    """What each window sees, on two axes at the end; the padding is less than any number."""
    high, wide = windows.stride
    seen = np.lib.stride_tricks.sliding_window_view(
        image if padded else _padded(windows, image), windows.kernel, axis=(2, 3)
    )
    return seen[:, :, ::high, ::wide]
