"""The schema that prototxt is written in: the messages of plugins stand in it like Caffe's own.

In `caffe_pb2` they are extensions, since a message class never changes. The bytes are the same, so
text is parsed into the classes of this schema, and printed from them, by way of bytes.
"""

from __future__ import annotations

import functools
from typing import Any

from google.protobuf import message_factory

from caffe_core.proto import caffe_pb2, schema
from caffe_core.proto.plugin_message import PluginMessage, declared


def class_for(message_type: Any) -> Any:
    """Return the class in this schema for one of `caffe_pb2`; for any other, that one itself."""
    descriptor = message_type.DESCRIPTOR
    if not declared or descriptor.file.pool is not caffe_pb2.DESCRIPTOR.pool:
        return message_type
    pool = _pool(tuple(declared.values()))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(descriptor.full_name))


def convert(message: Any, message_type: Any) -> Any:
    """Return a message of one schema as the same message, of class `message_type`, of the other."""
    if isinstance(message, message_type):
        return message
    return message_type.FromString(message.SerializePartialToString())


@functools.lru_cache(maxsize=1)
def _pool(plugins: tuple[PluginMessage, ...]) -> Any:
    compiled = schema.compiled("caffe")
    messages = compiled.file[-1].message_type
    (layer,) = (message for message in messages if message.name == "LayerParameter")
    layer.ClearField("extension_range")
    for plugin in plugins:
        layer.field.add().CopyFrom(plugin.field)
        messages.add().CopyFrom(plugin.definition)
    return schema.make_pool(compiled)
