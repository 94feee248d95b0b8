"""How positions in one blob correspond to those in another, through the layers between them.

A map is an axis and, for each spatial axis from there on, a factor a and an offset b: what is at x
in one blob is at a x + b in the other. It serves to crop one blob so that it lies upon another, as
in fully convolutional nets.

Source: Long, Shelhamer and Darrell, "Fully convolutional networks for semantic segmentation", 2014.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe.net_spec import Function, Top, layers
from caffe_core.errors import CaffeError

Map = tuple[Any, Any, Any]

PASS_THROUGH_LAYERS = [
    "AbsVal", "BatchNorm", "Bias", "BNLL", "Dropout", "Eltwise", "ELU", "Log", "LRN", "Exp", "MVN",
    "Power", "ReLU", "PReLU", "Scale", "Sigmoid", "Split", "TanH", "Threshold",
]  # fmt: skip


class UndefinedMapException(CaffeError):  # noqa: N818 (pycaffe's name)
    """A layer's tops have no positions that correspond to those of its bottoms."""


class AxisMismatchException(CaffeError):  # noqa: N818 (pycaffe's name)
    """Two maps begin at different axes."""


class CropError(CaffeError, AssertionError):
    """One blob cannot be cropped so that it lies upon another. (pycaffe asserted that it can.)"""


def conv_params(fn: Function) -> tuple[int, Any, Any, Any]:
    """Return axis, stride, extent of the kernel and padding of a convolution or pooling.

    All but the axis are arrays of one element for all spatial axes, or of one for each.

    Raises:
        UndefinedMapException: There is no kernel: the layer pools everything.
    """
    params = fn.params.get("convolution_param", fn.params.get("pooling_param", fn.params))
    size = _lengths(params, "kernel_size", None)
    if size is None:
        raise UndefinedMapException(f"{fn.type_name} without kernel_size keeps no positions")
    dilation = np.array(params.get("dilation", 1), ndmin=1)
    stride, pad = _lengths(params, "stride", 1), _lengths(params, "pad", 0)
    return params.get("axis", 1), stride, (size - 1) * dilation + 1, pad


def crop_params(fn: Function) -> tuple[int, Any]:
    """Return axis and offset of a Crop."""
    params = fn.params.get("crop_param", fn.params)
    return params.get("axis", 2), np.array(params.get("offset", 0), ndmin=1)


def coord_map(fn: Function) -> Map:
    """Return the map from a layer's bottom to its top.

    Raises:
        UndefinedMapException: The layer has none.
    """
    if fn.type_name in ("Convolution", "Pooling", "Im2col"):
        axis, stride, size, pad = conv_params(fn)
        return axis, 1 / stride, (pad - (size - 1) / 2) / stride
    if fn.type_name == "Deconvolution":
        axis, stride, size, pad = conv_params(fn)
        return axis, stride, (size - 1) / 2 - pad
    if fn.type_name in PASS_THROUGH_LAYERS:
        return None, 1, 0
    if fn.type_name == "Crop":
        axis, offset = crop_params(fn)
        return axis - 1, 1, -offset  # the axis before the first spatial one
    raise UndefinedMapException(f"{fn.type_name} layers do not keep positions")


def compose(base_map: Map, next_map: Map) -> Map:
    """Return the map that does `next_map` first, then `base_map`.

    Raises:
        AxisMismatchException: They begin at different axes.
    """
    (axis, a, b), (other, c, d) = base_map, next_map
    if None not in (axis, other) and axis != other:
        raise AxisMismatchException(f"one map begins at axis {axis}, the other at {other}")
    return other if axis is None else axis, a * c, a * d + b


def inverse(coord_map: Map) -> Map:
    """Return the map the other way."""
    axis, a, b = coord_map
    return axis, 1 / a, -b / a


def coord_map_from_to(top_from: Top, top_to: Top) -> Map:
    """Return the map from one blob to another that depends on a common one.

    Raises:
        CaffeError: No layers that keep positions connect them.
    """
    from_maps = dict(_maps_below(top_from))
    for top, found in _maps_below(top_to):
        if top in from_maps:
            return compose(found, inverse(from_maps[top]))
    raise CaffeError("Could not compute map between tops; are they connected by spatial layers?")


def crop(top_from: Top, top_to: Top) -> Any:
    """Return a Crop that cuts `top_from` so that it lies upon `top_to`.

    Raises:
        CaffeError: No layers that keep positions connect the blobs.
        CropError: The blobs differ in scale, or the offset is negative or not whole.
    """
    axis, a, b = coord_map_from_to(top_from, top_to)
    axis = 1 if axis is None else axis  # all layers on the way keep every axis
    if not np.all(np.equal(a, 1)):
        raise CropError(f"scale mismatch on crop (a = {a}); give the layers strides that cancel")
    if not np.all(np.less_equal(b, 0)):
        raise CropError(f"cannot crop negative offset (b = {b}); pad more on the way down")
    if not np.all(np.equal(np.round(b), b)):
        raise CropError(f"cannot crop noninteger offset (b = {b}); change a kernel_size or pad")
    offset = [-int(each) for each in np.atleast_1d(b)]
    return layers.Crop(top_from, top_to, crop_param={"axis": axis + 1, "offset": offset})


def _lengths(params: Any, name: str, unset: int | None) -> Any:
    """Return a length for all axes, or those for height and width, as an array."""
    if name in params:
        return np.array(params[name], ndmin=1)
    apart = [f"{name.removesuffix('_size')}_{way}" for way in "hw"]
    if any(each in params for each in apart):
        return np.array([params.get(each, unset or 0) for each in apart])
    return None if unset is None else np.array([unset])


def _maps_below(top: Top) -> Any:
    """Yield each blob that `top` depends on, itself first, with the map from it to `top`."""
    found: dict[Top, Map] = {top: (None, 1, 0)}
    frontier = [top]
    while frontier:
        each = frontier.pop(0)
        yield each, found[each]
        try:
            step = coord_map(each.fn)
        except UndefinedMapException:
            continue
        # What a Crop is cut to says nothing of positions.
        for below in each.fn.inputs[:1] if each.fn.type_name == "Crop" else each.fn.inputs:
            if below not in found:
                found[below] = compose(found[each], step)
                frontier.append(below)
