"""V1 (2014): ``layers { type: CONVOLUTION blobs_lr: 1 }``, the types an enum."""

from __future__ import annotations

from typing import Any

from caffe_core.proto import caffe_pb2
from caffe_core.proto.upgrade.fields import put

_IRREGULAR = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "LRN": "LRN",
    "MVN": "MVN",
    "RELU": "ReLU",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
}

_PARAM_SPEC = {
    "param": "name",
    "blob_share_mode": "share_mode",
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
}


def upgrade(net: Any) -> list[str] | None:
    """Turn ``layers`` of the V1 format into ``layer``."""
    if not net.layers:
        return None
    problems: list[str] = []
    if net.layer:
        problems.append(
            "Input NetParameter to be upgraded already specifies 'layer' fields; these will be "
            "ignored for the upgrade."
        )
    upgraded = [_upgrade_layer(layer) for layer in net.layers]
    net.ClearField("layers")
    net.ClearField("layer")
    net.layer.extend(upgraded)
    return problems


def type_name(kind: int) -> str:
    """Return the current name of a layer type that V1 numbers: ``INNER_PRODUCT``, InnerProduct."""
    name = caffe_pb2.V1LayerParameter.LayerType.Name(kind)
    return _IRREGULAR.get(name, "".join(word.capitalize() for word in name.split("_")))


def _upgrade_layer(old: Any) -> Any:
    new = caffe_pb2.LayerParameter()
    for field, value in old.ListFields():
        if field.name == "type":
            new.type = type_name(value)
        elif field.name in _PARAM_SPEC:
            for index, each in enumerate(value):
                if index == len(new.param):
                    new.param.add()
                setattr(new.param[index], _PARAM_SPEC[field.name], each)
        else:
            put(new, field.name, value)
    return new
