"""Text format: prototxt to messages and back."""

from __future__ import annotations

import logging
from typing import Any

from google.protobuf import text_format

from caffe_core.errors import ParseError
from caffe_core.proto import blocks, mistakes, plugin_fields, text_schema
from caffe_core.proto.plugin_message import unknown_numbers

log = logging.getLogger("caffe")


def parse(text: str, message_type: Any, where: str = "<string>") -> Any:
    """Return the message that `text` spells. Plugins whose messages it uses are imported.

    Args:
        text: Prototxt.
        message_type: Class of `caffe_pb2`, such as ``caffe_pb2.NetParameter``.
        where: What to call the text in errors: its file name.

    Raises:
        ParseError: The text is no such message. Says where (``file:line:column``) and what to do.
    """
    message = _parse(blocks.plain_names(text), message_type, where)
    missing = message.FindInitializationErrors()
    if missing:
        raise ParseError(f"{where}: {missing[0]} is required, and missing")
    return text_schema.convert(message, message_type)


def format(message: Any) -> str:
    """Return a message as prototxt."""
    plugin_fields.declare_unknown(message)
    written = text_schema.convert(message, text_schema.class_for(type(message)))
    for layer in plugin_fields.layers_in(written):
        for number in unknown_numbers(layer):
            log.warning(
                "%s (%s): field %d is left out: no plugin that is installed knows its name",
                *(layer.name, layer.type, number),
            )
    return text_format.MessageToString(written, as_utf8=True)


def _parse(text: str, message_type: Any, where: str) -> Any:
    """Return the message in the classes of `text_schema`."""
    message = text_schema.class_for(message_type)()
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        place = mistakes.Place(text, error.GetLine(), error.GetColumn(), message.DESCRIPTOR)
        field = mistakes.unknown_layer_field(str(error))
        if field is None or not plugin_fields.declare_for(field, place.layer_type):
            problem = mistakes.explain(str(error), place)
            raise ParseError(f"{place.name(where)}: {problem}") from None
    else:
        return message
    return _parse(text, message_type, where)
