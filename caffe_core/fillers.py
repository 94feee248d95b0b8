"""Fillers: the first values of learned parameters.

Each writes a whole array in place, as its ``FillerParameter`` says, with random numbers from the
generator it is given. `fill` calls the one that ``type`` names in ``caffe.fillers``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from caffe_core import registry
from caffe_core.errors import CaffeError
from caffe_core.proto import caffe_pb2

Rng = np.random.Generator
_NEVER_SPARSE = {"bilinear", "constant", "msra", "positive_unitball", "uniform", "xavier"}


def fill(data: np.ndarray, param: Any, rng: Rng) -> None:
    """Write every element of `data` as the ``FillerParameter`` says.

    Raises:
        PluginError: ``type`` names no filler.
        CaffeError: The filler cannot do what is asked with an array of this shape.
    """
    filler = registry.fillers[param.type]
    if param.sparse != -1 and param.type in _NEVER_SPARSE:
        raise _refusal(param, "it has no `sparse`; remove that, or use type 'gaussian'")
    filler(data, param, rng)


def constant(data: np.ndarray, param: Any, rng: Rng) -> None:
    """Write ``value`` everywhere."""
    data[...] = param.value


def uniform(data: np.ndarray, param: Any, rng: Rng) -> None:
    """Draw evenly from ``min`` to ``max``."""
    if param.min > param.max:
        raise _refusal(param, f"min {param.min:g} is above max {param.max:g}; exchange them")
    _draw_uniform(data, param.min, param.max, rng)


def gaussian(data: np.ndarray, param: Any, rng: Rng) -> None:
    """Draw from the normal distribution with ``mean`` and standard deviation ``std``.

    With ``sparse``, each value is kept with probability ``sparse / shape[0]`` and is 0 otherwise:
    on average an input then has that many connections to the outputs.
    """
    if param.std < 0:
        raise _refusal(param, f"std must not be negative, got {param.std:g}")
    _draw_normal(data, param.mean, param.std, rng)
    if param.sparse >= 0:
        outputs = data.shape[0] if data.ndim else 1
        if param.sparse > outputs:
            raise _refusal(param, f"sparse is {param.sparse}, but there are only {outputs} outputs")
        data[rng.random(data.shape) >= param.sparse / outputs] = 0


def positive_unitball(data: np.ndarray, param: Any, rng: Rng) -> None:
    """Draw evenly from 0 to 1, then scale each item (index of axis 0) to the sum 1."""
    _draw_uniform(data, 0, 1, rng)
    data /= data.sum(axis=tuple(range(1, data.ndim)), keepdims=True)


def xavier(data: np.ndarray, param: Any, rng: Rng) -> None:
    """Draw evenly between plus and minus ``sqrt(3 / n)``, with n as ``variance_norm`` says.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010; n is ``FAN_IN`` by default, as in Caffe.
    """
    limit = math.sqrt(3 / _fan(data, param))
    _draw_uniform(data, -limit, limit, rng)


def msra(data: np.ndarray, param: Any, rng: Rng) -> None:
    """Draw from the normal distribution with variance ``2 / n``, n as ``variance_norm`` says.

    Source: He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015.
    """
    _draw_normal(data, 0, math.sqrt(2 / _fan(data, param)), rng)


def bilinear(data: np.ndarray, param: Any, rng: Rng) -> None:
    """Write the kernel of bilinear interpolation, for a Deconvolution that enlarges images.

    Every pair of channels gets the same square kernel of side k, for enlarging by ceil(k / 2).
    """
    if data.ndim != 4 or data.shape[2] != data.shape[3]:
        raise _refusal(param, f"needs 4 axes, the last two equal; the blob's shape is {data.shape}")
    side = data.shape[3]
    factor = data.dtype.type((side + 1) // 2)
    centre = data.dtype.type((side - 1) / (2 * factor))
    weight = 1 - np.abs(np.arange(side, dtype=data.dtype) / factor - centre)
    data[...] = np.outer(weight, weight)


def _fan(data: np.ndarray, param: Any) -> float:
    """The n of `xavier` and `msra`: inputs of an output, outputs of an input, or their mean."""
    if not data.size:
        return math.inf
    outputs, inputs = map(float, (*data.shape, 1, 1)[:2])
    fan_in, fan_out = data.size / outputs, data.size / inputs
    match caffe_pb2.FillerParameter.VarianceNorm.Name(param.variance_norm):
        case "FAN_IN":
            return fan_in
        case "FAN_OUT":
            return fan_out
        case _:
            return (fan_in + fan_out) / 2


def _draw_uniform(data: np.ndarray, low: float, high: float, rng: Rng) -> None:
    _draw(data, rng.random)
    data *= high - low
    data += low


def _draw_normal(data: np.ndarray, mean: float, std: float, rng: Rng) -> None:
    _draw(data, rng.standard_normal)
    data *= std
    data += mean


def _draw(data: np.ndarray, generate: Callable[..., np.ndarray]) -> None:
    if data.flags.c_contiguous:
        generate(dtype=data.dtype, out=data)
    else:
        data[...] = generate(data.shape, dtype=data.dtype)


def _refusal(param: Any, message: str) -> CaffeError:
    return CaffeError(f"filler {param.type!r}: {message}")
