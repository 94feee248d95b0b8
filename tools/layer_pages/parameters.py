"""What a layer type can be told in prototxt: which messages it reads, and their fields."""

from __future__ import annotations

import inspect
import re
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from caffe_core.layer import Layer
from caffe_core.proto import caffe_pb2
from caffe_core.proto.plugin_fields import messages_of
from tools.layer_pages import comments
from tools.layer_pages.markdown import from_docstring, table

SHARED = ("BlobShape", "FillerParameter", "NetStateRule", "ParamSpec")
"""Messages inside others, which the index describes once for all pages."""

_LAYER = caffe_pb2.LayerParameter.DESCRIPTOR
_READS = re.compile(
    r"\b(?:self|layer)\.param\.(\w+_param)\b"
    r"|\b(\w+_param)\((?:self|layer)\.param\b"  # a function named after the field reads it
)
_GENERAL = ("transform_param", "loss_param")  # shown after what belongs to the type
_PARTLY = {  # types that read a few fields of what belongs to another
    ("ImageData", "data_param"): ("prefetch",),
    ("WindowData", "data_param"): ("prefetch",),
}


def parameter_fields(layer_type: type[Layer]) -> list[Any]:
    """Return descriptors of the messages in ``LayerParameter`` that a type reads.

    Which of Caffe's they are shows in the source of the class and of those it derives from; those
    of a plugin are attributes of the class.
    """
    text = "".join(file.read_text() for file in _sources(layer_type))
    names = dict.fromkeys(read or given for read, given in _READS.findall(text))
    fields = [_LAYER.fields_by_name[name] for name in names if name in _LAYER.fields_by_name]
    fields.sort(key=lambda field: field.name in _GENERAL)
    return fields + [each.extension for each in messages_of(layer_type).values()]


def parameter_tables(name: str, layer_type: type[Layer]) -> Iterator[str]:
    """Yield the paragraphs that describe the parameters of a type."""
    for field in parameter_fields(layer_type):
        yield f"`{field.name} {{ ... }}`"
        yield fields_table(field.message_type, _PARTLY.get((name, field.name), ()))


def fields_table(message: Any, names: Container[str] = ()) -> str:
    """Return a table of the fields of a message, or of those in `names`."""
    definition = DescriptorProto()
    message.CopyToProto(definition)
    pairs = zip(message.fields, definition.field, strict=True)
    rows = [_row(*pair) for pair in pairs if not names or pair[0].name in names]
    columns = 4 if any(meaning for *_, meaning in rows) else 3
    return table(["field", "type", "default", ""][:columns], (row[:columns] for row in rows))


def _sources(layer_type: type[Layer]) -> Iterator[Path]:
    for each in layer_type.__mro__[: layer_type.__mro__.index(Layer)]:
        file = Path(inspect.getfile(each))
        in_core = each.__module__.partition(".")[0] == "caffe_core"
        yield from [file] if in_core else sorted(file.parent.rglob("*.py"))


def _row(field: Any, proto: FieldDescriptorProto) -> list[str]:
    enum = field.enum_type.name if field.enum_type else ""
    meaning = comments.of_field(field.containing_type.name, field.name, enum)
    return [f"`{field.name}`", _type(field, proto), _default(proto), from_docstring(meaning)]


def _type(field: Any, proto: FieldDescriptorProto) -> str:
    repeated = ", repeated" if proto.label == proto.LABEL_REPEATED else ""
    if field.enum_type:
        return " ".join(f"`{value.name}`" for value in field.enum_type.values) + repeated
    if field.message_type:
        name = field.message_type.name
        return (f"[{name}](README.md#{name.lower()})" if name in SHARED else f"`{name}`") + repeated
    return proto.Type.Name(proto.type).removeprefix("TYPE_").lower() + repeated


def _default(proto: FieldDescriptorProto) -> str:
    value = proto.default_value
    if proto.label == proto.LABEL_REQUIRED:
        return "required"
    if not proto.HasField("default_value"):
        return ""
    if proto.type == proto.TYPE_STRING:
        return f'`"{value}"`'
    return f"`{float(value):g}`" if proto.type == proto.TYPE_FLOAT else f"`{value}`"
