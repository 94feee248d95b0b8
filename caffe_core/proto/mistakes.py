"""What a mistake in a prototxt is told: where it is, what is wrong and what was meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from caffe_core.errors import PluginError, did_you_mean
from caffe_core.proto import blocks, caffe_pb2, plugin_fields

_FEW = 6  # names that a message lists in full
_UNKNOWN_FIELD = re.compile(r'Message type "([\w.]+)" has no field named "(.+?)"')


@dataclass(frozen=True)
class Place:
    """Where the parser stopped.

    Attributes:
        text: The whole prototxt.
        line: Counted from 1; None if the parser does not say.
        column: Counted from 1.
        root: Descriptor of the message that the whole text is.
    """

    text: str
    line: int | None
    column: int | None
    root: Any

    def name(self, where: str) -> str:
        """Return the place as ``file:line:column``."""
        return f"{where}:{self.line}:{self.column}" if self.line else where

    @property
    def rest(self) -> str:
        """The text from here to the end of the line."""
        lines = self.text.split("\n")
        line, column = self.line or 1, self.column or 1
        return lines[line - 1][column - 1 :].rstrip() if line <= len(lines) else ""

    @property
    def token(self) -> str:
        """What stands here."""
        found = re.match(r"[\w.+-]+|\"[^\"]*\"?|'[^']*'?|.", self.rest)
        token = found[0] if found else "the end of the line"
        return token.encode(errors="backslashreplace").decode()

    @property
    def field(self) -> str:
        """``name: `` of the field whose value stands here, or nothing."""
        line, column = self.line or 1, self.column or 1
        before = self.text.split("\n")[line - 1][: column - 1]
        found = re.search(r"(\w+)\s*:\s*\[?[^:]*\Z", before)
        return f"{found[1]}: " if found else ""

    @property
    def layer_type(self) -> str:
        """The ``type`` that the block around this place gives, or nothing."""
        before = self.text.split("\n")[: (self.line or 1) - 1]
        offset = sum(len(line) + 1 for line in before) + (self.column or 1) - 1
        return blocks.layer_type_at(self.text, offset)

    def message(self, full_name: str) -> Any:
        """Return the descriptor of the message called ``caffe.Outer.Inner``."""
        return self.root.file.pool.FindMessageTypeByName(full_name)

    def enum(self, full_name: str) -> Any:
        """Return the descriptor of the enum called ``caffe.Outer.Inner``."""
        return self.root.file.pool.FindEnumTypeByName(full_name)


def unknown_layer_field(error: str) -> str | None:
    """Return the field, if the mistake is one that ``LayerParameter`` does not have."""
    found = _UNKNOWN_FIELD.search(error)
    return found[2] if found and found[1] == "caffe.LayerParameter" else None


def explain(error: str, place: Place) -> str:
    """Return what to say of a mistake that protobuf calls `error`."""
    for pattern, explanation in _EXPLANATIONS:
        found = pattern.search(error)
        if found:
            return explanation(place, *found.groups())
    return re.sub(r"\A\d+:\d+ : ", "", error)


def _unknown_field(place: Place, message: str, field: str) -> str:
    descriptor = place.message(message)
    problem = f"{descriptor.name} has no field {field!r}."
    if descriptor is not place.root and field in place.root.fields_by_name:
        return f"{problem} {place.root.name} has: is a '}}' missing above?"
    if descriptor is place.root:
        for other in (caffe_pb2.NetParameter, caffe_pb2.SolverParameter):
            if field in other.DESCRIPTOR.fields_by_name:
                return f"{problem} {other.DESCRIPTOR.name} has: is this the right file?"
    fields = descriptor.fields
    if descriptor.name == "LayerParameter":
        missing = _missing_plugin(place.layer_type, field)
        if missing:
            return f"{problem[:-1]}, and {missing}"
        others = plugin_fields.fields_of_others(place.layer_type)
        fields = [each for each in fields if each.name not in others]
    homes = [
        each.name
        for each in fields
        if each.message_type and field in each.message_type.fields_by_name
    ]
    usual = plugin_fields.usual_field(place.layer_type)
    homes = [usual] if usual in homes else homes
    if 0 < len(homes) <= _FEW:
        return f"{problem} It belongs in {' or '.join(f'`{home}`' for home in homes)}."
    return problem + did_you_mean(field, (each.name for each in fields))


def _missing_plugin(layer_type: str, field: str) -> str:
    """Why the plugin that has a layer type, and perhaps the field, cannot be used; or nothing."""
    if layer_type and field.endswith("_param"):
        try:
            plugin_fields.declare(layer_type)
        except PluginError as error:
            return str(error)
    return ""


def _unknown_value(place: Place, enum: str, value: str) -> str:
    known = list(place.enum(enum).values_by_name)
    listed = f" Expected {_either(known)}." if len(known) <= _FEW else ""
    return f"{place.field}{_short(enum)} has no value {value}.{listed}{did_you_mean(value, known)}"


def _repeated(place: Place, message: str, field: str) -> str:
    return (
        f"{_short(message)} takes one {field!r}, this is the second. "
        "Remove one of them; or is a '}' missing above?"
    )


def _not_closed(place: Place, token: str) -> str:
    return f"the text ends before {blocks.open_brace(place.text)} is closed: a {token!r} is missing"


def _expected_token(place: Place, token: str) -> str:
    return f"expected {token!r}, found {place.token}"


def _expected_name(place: Place) -> str:
    if place.token in "}>":
        return f"this {place.token!r} closes nothing. Remove it, or is a '{{' missing above?"
    return f"expected the name of a field, found {place.token}"


def _expected_value(kind: str) -> Callable[..., str]:
    return lambda place, *_: f"{place.field}expected {kind}, found {place.token}"


_EXPLANATIONS: list[tuple[re.Pattern[str], Callable[..., str]]] = [
    (re.compile(pattern), explanation)
    for pattern, explanation in (
        (_UNKNOWN_FIELD, _unknown_field),
        (r'Message type "([\w.]+)" should not have multiple "(\w+)" fields', _repeated),
        (r'Enum type "([\w.]+)" has no value named (.+)\.\Z', _unknown_value),
        (r'Enum type "([\w.]+)" has no value with number (-?\d+)\.\Z', _unknown_value),
        (r'Expected "true" or "false"', _expected_value("true or false")),
        (r'\A\d+:\d+ : Expected "([}>])"\.\Z', _not_closed),
        (r'Expected "(.)"\.\Z', _expected_token),
        (r"Expected identifier or number, got .*\Z", _expected_name),
        (r"Expected string but found: .*\Z", _expected_value("text in quotes")),
        (r"String missing ending quote: .*\Z", _expected_value("a quote at the end of the text")),
        (r"codec can't \w+code", _expected_value("text in UTF-8")),
        (r"Couldn't parse integer: .*\Z", _expected_value("a whole number")),
        (r"Value out of range: .*\Z", _expected_value("a number that fits the field")),
        (r"(?:Couldn't parse|Invalid octal) float: .*\Z", _expected_value("a number")),
    )
]


def _short(full_name: str) -> str:
    return full_name.partition(".")[2]


def _either(names: list[str]) -> str:
    return " or ".join(", ".join(names).rsplit(", ", 1))
