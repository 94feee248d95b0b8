"""A message type spelled in Python: its compiled definition from names, defaults and types."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message import Message

from caffe_core.proto import caffe_pb2

_SCALARS: dict[Any, Any] = {
    bool: Field.TYPE_BOOL,
    int: Field.TYPE_INT64,
    float: Field.TYPE_FLOAT,
    str: Field.TYPE_STRING,
}


def define(name: str, fields: Mapping[str, Any]) -> DescriptorProto:
    """Return the definition of a message in the package ``caffe``; the fields get numbers from 1.

    Args:
        name: The message's name.
        fields: The default, the type, or a list of the type of each field, by its name; see
            `caffe_core.proto.plugin_message.PluginMessage`.

    Raises:
        TypeError: A field is something else.
    """
    message = DescriptorProto(name=name)
    for number, (field, what) in enumerate(fields.items(), 1):
        repeated = isinstance(what, list) and len(what) == 1 and isinstance(what[0], type)
        label = Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL
        message.field.add(name=field, number=number, label=label)
        _set_type(message, message.field[-1], what[0] if repeated else what)
    return message


def _set_type(message: DescriptorProto, field: Field, what: Any) -> None:
    """Say of a field what type it has, and its default unless `what` is a type."""
    kind: type[Any] = what if isinstance(what, type) else type(what)
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    elif issubclass(kind, Enum):
        field.type, field.type_name = Field.TYPE_ENUM, f".caffe.{message.name}.{kind.__name__}"
        _add_enum(message, kind)
    elif kind is what and kind in _messages():
        field.type, field.type_name = Field.TYPE_MESSAGE, f".{kind.DESCRIPTOR.full_name}"
    else:
        raise TypeError(
            f"{field.name}={what!r} is no field; expected a default (bool, int, float, str or a "
            "member of an Enum), the type of one, a message class of caffe_pb2, or a list of a type"
        )
    if kind is not what:
        field.default_value = _spell(what)


def _add_enum(message: DescriptorProto, kind: type[Enum]) -> None:
    if all(enum.name != kind.__name__ for enum in message.enum_type):
        values = [{"name": each.name, "number": each.value} for each in kind]
        message.enum_type.add(name=kind.__name__, value=values)


def _messages() -> set[Any]:
    """The message classes of Caffe."""
    classes = (each for each in vars(caffe_pb2).values() if isinstance(each, type))
    return {each for each in classes if issubclass(each, Message)}


def _spell(default: Any) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return default.name if isinstance(default, Enum) else str(default)
