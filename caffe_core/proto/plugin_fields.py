"""Which fields a ``LayerParameter`` has beside Caffe's own: found through the layer's type."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from caffe_core import registry
from caffe_core.errors import PluginError
from caffe_core.proto.plugin_message import PluginMessage, declared, unknown_numbers

if TYPE_CHECKING:
    from caffe_core.layer import Layer


def messages_of(layer_type: type[Layer]) -> dict[str, PluginMessage]:
    """Return the messages that a layer class declares or inherits, by name."""
    return {
        name: value
        for each in reversed(getattr(layer_type, "__mro__", ()))  # any object may be registered
        for name, value in vars(each).items()
        if isinstance(value, PluginMessage)
    }


def part(layer: Any, field: str) -> Any:
    """Return the message in a ``LayerParameter`` that a plugin calls `field`, to read or to fill.

    Raises:
        PluginError: The layer's type has no such message, or is not installed.
    """
    messages = messages_of(registry.layers[layer.type])
    if field not in messages:
        known = ", ".join(messages) or "none"
        raise PluginError(
            f"layer type {layer.type!r} brings no message {field!r}; it brings {known}"
        )
    return messages[field].of(layer)


def declare(layer_type: str) -> None:
    """Import a layer type and make its messages known to protobuf.

    Raises:
        PluginError: The type is not installed, or it or one of its messages is broken.
    """
    for message in messages_of(registry.layers[layer_type]).values():
        _ = message.extension


def declare_for(field: str, layer_type: str) -> bool:
    """Look in plugins for an unknown field; return whether any message became known.

    That makes known the messages of `layer_type`, and of the types that the field seems to be
    named after, as ``group_norm_param`` is after GroupNorm. What is broken or missing is passed
    over.
    """
    before = len(declared)
    named = [each for each in registry.layers if usual_field(each) == field]
    for each in (layer_type, *named):
        with contextlib.suppress(PluginError):
            declare(each)
    return len(declared) > before


def fields_of_others(layer_type: str) -> set[str]:
    """Return the names of all messages known so far that are not for `layer_type`."""
    own: set[str] = set()
    with contextlib.suppress(PluginError):
        own.update(messages_of(registry.layers[layer_type]))
    return declared.keys() - own


def declare_unknown(message: Message) -> None:
    """Look in plugins for what a message that was read from a file has in unknown fields."""
    for layer in layers_in(message):
        if unknown_numbers(layer):
            with contextlib.suppress(PluginError):
                declare(layer.type)


def usual_field(layer_type: str) -> str:
    """Return what the message of a layer type is called by custom: ``group_norm_param``."""
    return f"{registry.stem(layer_type).replace('-', '_')}_param"


def layers_in(message: Message) -> Iterator[Any]:
    """Yield every ``LayerParameter`` in a message, wherever it is."""
    if message.DESCRIPTOR.full_name == "caffe.LayerParameter":
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in [value] if isinstance(value, Message) else value:
                yield from layers_in(each)


def refuse_others(layer: Layer) -> None:
    """Check that a layer is given no plugin's message but its own type's.

    Raises:
        LayerError: It is.
    """
    for field, _ in layer.param.ListFields():
        if field.is_extension and field.name not in messages_of(type(layer)):
            home = declared[field.name].layer_type
            raise layer.error(
                f"{field.name} is for {home and home.__name__} layers; "
                "remove it, or correct the type"
            )
