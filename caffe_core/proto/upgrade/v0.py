"""V0 (2013): ``layers { layer { type: "conv" num_output: 96 } }``, one message for all types."""

from __future__ import annotations

from typing import Any

from caffe_core.errors import ParseError, did_you_mean
from caffe_core.proto import caffe_pb2
from caffe_core.proto.upgrade.fields import put

_TYPES = {
    "accuracy": "ACCURACY",
    "bnll": "BNLL",
    "concat": "CONCAT",
    "conv": "CONVOLUTION",
    "data": "DATA",
    "dropout": "DROPOUT",
    "euclidean_loss": "EUCLIDEAN_LOSS",
    "flatten": "FLATTEN",
    "hdf5_data": "HDF5_DATA",
    "hdf5_output": "HDF5_OUTPUT",
    "im2col": "IM2COL",
    "images": "IMAGE_DATA",
    "infogain_loss": "INFOGAIN_LOSS",
    "innerproduct": "INNER_PRODUCT",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MULTINOMIAL_LOGISTIC_LOSS",
    "pool": "POOLING",
    "relu": "RELU",
    "sigmoid": "SIGMOID",
    "softmax": "SOFTMAX",
    "softmax_loss": "SOFTMAX_LOSS",
    "split": "SPLIT",
    "tanh": "TANH",
    "window_data": "WINDOW_DATA",
}

_KEPT = ("name", "blobs", "blobs_lr", "weight_decay")
_DROPPED = ("type", "new_num", "new_channels")

_RENAMED = {
    "batchsize": "batch_size",
    "biasterm": "bias_term",
    "cropsize": "crop_size",
    "det_bg_threshold": "bg_threshold",
    "det_context_pad": "context_pad",
    "det_crop_mode": "crop_mode",
    "det_fg_fraction": "fg_fraction",
    "det_fg_threshold": "fg_threshold",
    "kernelsize": "kernel_size",
    "meanfile": "mean_file",
    "shuffle_images": "shuffle",
}

_TRANSFORM = ("scale", "mean_file", "crop_size", "mirror")


def upgrade(net: Any) -> list[str] | None:
    """Turn V0 layers into V1 layers, with padding layers folded into what they pad."""
    if not any(layer.HasField("layer") for layer in net.layers):
        return None
    problems: list[str] = []
    upgraded = [_upgrade_layer(layer, problems) for layer in _fold_padding(net.layers)]
    del net.layers[:]
    net.layers.extend(upgraded)
    return problems


def _fold_padding(layers: Any) -> list[Any]:
    """Return the layers without those of type ``padding``, whose readers get their ``pad``."""
    kept: list[Any] = []
    padding: dict[str, Any] = {}
    for layer in layers:
        padded = [padding[bottom] for bottom in layer.bottom if bottom in padding]
        if padded:
            if layer.layer.type not in ("conv", "pool") or len(layer.bottom) != 1:
                raise ParseError(
                    f"{layer.layer.name} ({layer.layer.type}): bottom {layer.bottom[0]!r} comes "
                    "from a padding layer, which only a conv or pool layer with one bottom may read"
                )
            layer.layer.pad = padded[0].layer.pad
            layer.bottom[0] = padded[0].bottom[0]
        for top in layer.top:
            padding.pop(top, None)
        if layer.layer.type != "padding":
            kept.append(layer)
        elif len(layer.bottom) == len(layer.top) == 1:
            padding[layer.top[0]] = layer
        else:
            raise ParseError(f"{layer.layer.name} (padding): expected one bottom and one top")
    return kept


def _upgrade_layer(layer: Any, problems: list[str]) -> Any:
    if not layer.HasField("layer"):
        return layer
    old = layer.layer
    new = caffe_pb2.V1LayerParameter(bottom=layer.bottom, top=layer.top)
    if old.HasField("type"):
        if old.type not in _TYPES:
            raise ParseError(
                f"{old.name}: no layer type {old.type!r} in this format."
                f"{did_you_mean(old.type, _TYPES)}"
            )
        new.type = caffe_pb2.V1LayerParameter.LayerType.Value(_TYPES[old.type])
    for field, value in old.ListFields():
        if field.name in _DROPPED:
            continue
        name = _RENAMED.get(field.name, field.name)
        home = _home(new, old.type, name)
        if home is None:
            problems.append(f"Unknown parameter {field.name} for layer type {old.type}")
        else:
            put(home, name, value)
    return new


def _home(layer: Any, kind: str, field: str) -> Any:
    """Return the message in a V1 layer of V0 type `kind` that now has the field, if any does."""
    if field in _KEPT or (field, kind) == ("hdf5_output_param", "hdf5_output"):
        return layer
    if field in _TRANSFORM:
        return layer.transform_param
    param = getattr(layer, f"{_TYPES.get(kind, '').lower()}_param", None)
    return param if param is not None and field in param.DESCRIPTOR.fields_by_name else None
