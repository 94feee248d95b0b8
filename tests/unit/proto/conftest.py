"""Hypothesis without a time limit, since busy machines are no failure; layers from outside."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import settings

from caffe_core import registry
from caffe_core.layer import Layer
from caffe_core.proto import caffe_pb2
from caffe_core.proto.plugin_message import PluginMessage

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

_numbers = itertools.count(1)


class Extra:
    """A layer type from outside, registered in code, with one message.

    protobuf never forgets a message, so each has a name of its own: ``Extra7``, ``extra7_param``.
    """

    def __init__(self, number=None, /, **fields):
        self.type = f"Extra{next(_numbers)}"
        self.field = f"{self.type.lower()}_param"
        self.message = PluginMessage(number, **fields)
        self.layer = type(self.type, (Layer,), {self.field: self.message})
        registry.layers.register(self.type, self.layer)

    def text(self, content="", name="x"):
        return f'layer {{ name: "{name}" type: "{self.type}" {self.field} {{ {content} }} }}'

    def read(self, layer):
        """The message as the layer reads it from a ``LayerParameter``."""
        return getattr(self.layer(layer), self.field)

    def unread(self, content):
        """Bytes of a net with this message, which nobody has declared: `content` is serialised."""
        field = self.message.number << 3 | 2
        tag = bytearray()
        while field > 0x7F:
            tag.append(field & 0x7F | 0x80)
            field >>= 7
        layer = caffe_pb2.LayerParameter(name="x", type=self.type).SerializeToString()
        layer += bytes([*tag, field, len(content)]) + content
        return b"\xa2\x06" + bytes([len(layer)]) + layer


@pytest.fixture
def extra():
    """Make layer types from outside."""
    made = []

    def make(*arguments, **fields):
        made.append(Extra(*arguments, **fields))
        return made[-1]

    yield make
    for each in made:
        registry.layers.unregister(each.type)
