"""Nets before 2016 that declare ``input`` and ``input_shape`` (or ``input_dim``) themselves."""

from __future__ import annotations

from typing import Any

from caffe_core.errors import ParseError
from caffe_core.proto import caffe_pb2

_LEGACY_AXES = 4


def upgrade(net: Any) -> list[str] | None:
    """Turn the input fields into an Input layer called ``input``, the first of the net."""
    if not net.input:
        return None
    shapes = _shapes(net)
    if shapes:
        first = caffe_pb2.LayerParameter(name="input", type="Input", top=net.input)
        first.input_param.shape.extend(shapes)
        others = list(net.layer)
        net.ClearField("layer")
        net.layer.extend([first, *others])
    for field in ("input", "input_shape", "input_dim"):
        net.ClearField(field)
    return []


def _shapes(net: Any) -> list[Any]:
    if net.input_shape:
        shapes, given = list(net.input_shape), f"{len(net.input_shape)} input_shape"
    else:
        dims, given = net.input_dim, f"{len(net.input_dim)} input_dim (4 for each input)"
        shapes = [
            caffe_pb2.BlobShape(dim=dims[start : start + _LEGACY_AXES])
            for start in range(0, len(dims), _LEGACY_AXES)
        ]
    odd = not net.input_shape and len(net.input_dim) % _LEGACY_AXES
    if shapes and (odd or len(shapes) != len(net.input)):
        raise ParseError(
            f"net {net.name!r} has {len(net.input)} input and {given}; give every input a shape"
        )
    return shapes
