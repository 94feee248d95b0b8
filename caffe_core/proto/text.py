"""Text format: prototxt to messages and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf import text_format

from caffe_core.errors import ParseError, did_you_mean
from caffe_core.proto import caffe_pb2

_FEW = 6  # names that a message lists in full


def parse(text: str, message_type: Any, where: str = "<string>") -> Any:
    """Return the message that `text` spells.

    Args:
        text: Prototxt.
        message_type: Class of `caffe_pb2`, such as ``caffe_pb2.NetParameter``.
        where: What to call the text in errors: its file name.

    Raises:
        ParseError: The text is no such message. Says where (``file:line:column``) and what to do.
    """
    message = message_type()
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        place = _Place(text, error.GetLine(), error.GetColumn(), message_type.DESCRIPTOR)
        raise ParseError(f"{place.name(where)}: {_explain(str(error), place)}") from None
    missing = message.FindInitializationErrors()
    if missing:
        raise ParseError(f"{where}: {missing[0]} is required, and missing")
    return message


def format(message: Any) -> str:
    """Return a message as prototxt."""
    return text_format.MessageToString(message, as_utf8=True)


@dataclass(frozen=True)
class _Place:
    """Where the parser stopped. `root` is the descriptor of the whole text's message."""

    text: str
    line: int | None
    column: int | None
    root: Any

    def name(self, where: str) -> str:
        return f"{where}:{self.line}:{self.column}" if self.line else where

    @property
    def rest(self) -> str:
        """The text from here to the end of the line."""
        lines = self.text.split("\n")
        line, column = self.line or 1, self.column or 1
        return lines[line - 1][column - 1 :].rstrip() if line <= len(lines) else ""

    @property
    def token(self) -> str:
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


def _explain(error: str, place: _Place) -> str:
    for pattern, explain in _EXPLANATIONS:
        found = pattern.search(error)
        if found:
            return explain(place, *found.groups())
    return re.sub(r"\A\d+:\d+ : ", "", error)


def _unknown_field(place: _Place, message: str, field: str) -> str:
    descriptor = _find(message).DESCRIPTOR
    problem = f"{descriptor.name} has no field {field!r}."
    if descriptor is not place.root and field in place.root.fields_by_name:
        return f"{problem} {place.root.name} has: is a '}}' missing above?"
    if descriptor is place.root:
        for other in (caffe_pb2.NetParameter, caffe_pb2.SolverParameter):
            if field in other.DESCRIPTOR.fields_by_name:
                return f"{problem} {other.DESCRIPTOR.name} has: is this the right file?"
    homes = [
        f"`{each.name}`"
        for each in descriptor.fields
        if each.message_type and field in each.message_type.fields_by_name
    ]
    if 0 < len(homes) <= _FEW:
        return f"{problem} It belongs in {' or '.join(homes)}."
    return problem + did_you_mean(field, descriptor.fields_by_name)


def _unknown_value(place: _Place, enum: str, value: str) -> str:
    known = list(_find(enum).DESCRIPTOR.values_by_name)
    listed = f" Expected {_either(known)}." if len(known) <= _FEW else ""
    return f"{place.field}{_short(enum)} has no value {value}.{listed}{did_you_mean(value, known)}"


def _repeated(place: _Place, message: str, field: str) -> str:
    return (
        f"{_short(message)} takes one {field!r}, this is the second. "
        "Remove one of them; or is a '}' missing above?"
    )


def _not_closed(place: _Place, token: str) -> str:
    return f"the text ends before {_open_brace(place.text)} is closed: a {token!r} is missing"


def _expected_token(place: _Place, token: str) -> str:
    return f"expected {token!r}, found {place.token}"


def _expected_name(place: _Place) -> str:
    if place.token in "}>":
        return f"this {place.token!r} closes nothing. Remove it, or is a '{{' missing above?"
    return f"expected the name of a field, found {place.token}"


def _expected_value(kind: str) -> Callable[..., str]:
    return lambda place, *_: f"{place.field}expected {kind}, found {place.token}"


_EXPLANATIONS: list[tuple[re.Pattern[str], Callable[..., str]]] = [
    (re.compile(pattern), explain)
    for pattern, explain in (
        (r'Message type "([\w.]+)" has no field named "(.+?)"', _unknown_field),
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


def _find(full_name: str) -> Any:
    """The message class or enum called ``caffe.Outer.Inner``."""
    found: Any = caffe_pb2
    for part in full_name.split(".")[1:]:
        found = getattr(found, part)
    return found


def _short(full_name: str) -> str:
    return full_name.partition(".")[2]


def _either(names: list[str]) -> str:
    return " or ".join(", ".join(names).rsplit(", ", 1))


def _open_brace(text: str) -> str:
    """Describe the last brace that nothing closes: ``the '{' in line 3 (layer)``."""
    opened: list[tuple[int, str, str]] = []
    name = ""
    tokens = re.finditer(r"#.*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|[\w.]+|[{}<>]", text)
    for token in tokens:
        if token[0] in "{<":
            opened.append((text.count("\n", 0, token.start()) + 1, token[0], name))
        elif token[0] in "}>" and opened:
            opened.pop()
        elif token[0][0] != "#":
            name = token[0]
    line, brace, name = opened[-1]
    return f"{brace!r} in line {line} ({name})"
