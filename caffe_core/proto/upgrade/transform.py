"""Data layers of 2014 with ``scale``, ``mean_file``, ``crop_size``, ``mirror`` of their own."""

from __future__ import annotations

from typing import Any

from caffe_core.proto import caffe_pb2

_V1 = caffe_pb2.V1LayerParameter
_PARAMS = {
    _V1.DATA: "data_param",
    _V1.IMAGE_DATA: "image_data_param",
    _V1.WINDOW_DATA: "window_data_param",
}
_FIELDS = ("scale", "mean_file", "crop_size", "mirror")


def upgrade(net: Any) -> list[str] | None:
    """Move the four fields of V1 data layers to their ``transform_param``."""
    found: list[str] | None = None
    for layer in net.layers:
        if layer.type not in _PARAMS:
            continue
        param = getattr(layer, _PARAMS[layer.type])
        for field in filter(param.HasField, _FIELDS):
            setattr(layer.transform_param, field, getattr(param, field))
            param.ClearField(field)
            found = []
    return found
