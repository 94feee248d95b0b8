"""Messages filled from Python values, and the message in which a layer type has its parameters."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import numpy as np

from caffe_core import registry
from caffe_core.errors import CaffeError, did_you_mean
from caffe_core.proto import caffe_pb2, plugin_fields


@functools.cache
def param_fields() -> dict[str, str]:
    """Return, for each of Caffe's layer types with parameters of its own, the field they are in.

    ``Convolution`` has ``convolution_param``, whose message is a ``ConvolutionParameter``.
    """
    suffix = "Parameter"
    return {
        field.message_type.name.removesuffix(suffix): field.name
        for field in caffe_pb2.LayerParameter.DESCRIPTOR.fields
        if field.name.endswith("_param") and field.message_type is not None
    }


_SHARED = {  # types whose parameters are in another type's message
    "Deconvolution": "convolution_param",
    "Im2col": "convolution_param",
    "SoftmaxWithLoss": "softmax_param",
    "LSTM": "recurrent_param",
    "RNN": "recurrent_param",
}


def own_messages(layer: Any) -> dict[str, Any]:
    """Return the messages in which a ``LayerParameter`` has its type's parameters, by field.

    A type of Caffe has one or none, a plugin's those that it declares. A type that is not
    installed has none.
    """
    field = _SHARED.get(layer.type) or param_fields().get(layer.type)
    if field is not None:
        return {field: getattr(layer, field)}
    if layer.type not in registry.layers:
        return {}
    declared = plugin_fields.messages_of(registry.layers[layer.type])
    return {name: message.of(layer) for name, message in declared.items()}


def assign(message: Any, name: str, value: Any, what: str) -> None:
    """Set a field of a message: messages from mappings, repeated fields from lists or one element.

    Args:
        message: The message.
        name: Of the field.
        value: What to set it to; enums take numbers or names.
        what: Whose field it is, for errors.

    Raises:
        CaffeError: There is no such field, or the value does not fit it.
    """
    field = message.DESCRIPTOR.fields_by_name.get(name)
    if field is None:
        known = list(message.DESCRIPTOR.fields_by_name)
        raise CaffeError(
            f"{what}: {message.DESCRIPTOR.name} has no field {name!r}."
            f"{did_you_mean(name, known)} It has {', '.join(known) or 'none'}"
        )
    try:
        if field.is_repeated if hasattr(field, "is_repeated") else field.label == 3:
            _extend(message, field, value, what)
        elif field.message_type is not None:
            fill(getattr(message, name), value, what)
        else:
            setattr(message, name, _scalar(field, value))
    except (TypeError, ValueError) as error:
        raise CaffeError(
            f"{what}: {message.DESCRIPTOR.name}.{name} cannot be {value!r}: {error}"
        ) from error


def fill(message: Any, value: Any, what: str) -> None:
    """Set the fields of a message from a mapping, or all of it from another message.

    Raises:
        CaffeError: There is no such field, or a value does not fit.
        TypeError: `value` is neither.
    """
    if not isinstance(value, Mapping):
        message.CopyFrom(value)
        return
    message.SetInParent()
    for name, each in value.items():
        assign(message, name, each, what)


def _extend(message: Any, field: Any, value: Any, what: str) -> None:
    target = getattr(message, field.name)
    for each in value if _is_many(value) else [value]:
        if field.message_type is not None:
            fill(target.add(), each, what)
        else:
            target.append(_scalar(field, each))


def _is_many(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _scalar(field: Any, value: Any) -> Any:
    """Return a value as protobuf takes it: numbers for an enum's names and members, no NumPy's."""
    if field.enum_type is not None and isinstance(value, str):
        values = field.enum_type.values_by_name
        if value not in values:
            raise ValueError(f"it is none of {', '.join(values)}")
        return values[value].number
    if isinstance(value, Enum):
        return value.value
    return value.item() if isinstance(value, (np.ndarray, np.generic)) else value
