"""Protobuf's wire format, as much as it takes to step over a message without copying it.

See https://protobuf.dev/programming-guides/encoding/ for the format.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError, Message

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}


class WireError(ValueError):
    """The bytes are no message, or end too early: at `offset`, in the named part of the file."""

    def __init__(self, offset: int, problem: str, part: str = ""):
        super().__init__(f"{part}{': ' if part else ''}at byte {offset} {problem}")
        self.offset, self.problem = offset, problem

    def within(self, part: str) -> WireError:
        """Return this error told of `part`."""
        return WireError(self.offset, self.problem, part)


class Field(NamedTuple):
    """One field of a message, as offsets of its tag and of its value, from start to end."""

    number: int
    kind: int
    tag: int
    start: int
    end: int


def varint(data: memoryview, start: int, end: int) -> tuple[int, int]:
    """Return the number that begins at `start`, and the offset behind it.

    Raises:
        WireError: It does not end before `end`, or has more than 64 bits.
    """
    value = 0
    for position in range(start, min(end, start + 10)):
        byte = data[position]
        value |= (byte & 0x7F) << 7 * (position - start)
        if byte < 0x80:
            return value, position + 1
    raise WireError(start, "a number does not end" if end - start < 10 else "a number is too long")


def read_field(data: memoryview, start: int, end: int) -> Field:
    """Return the field whose tag is at `start`. Its value may claim to reach beyond `end`.

    Raises:
        WireError: There is no tag that protobuf could have written.
    """
    tag, position = varint(data, start, end)
    number, kind = tag >> 3, tag & 7
    if number == 0:
        raise WireError(start, "a field has number 0")
    if kind == VARINT:
        return Field(number, kind, start, position, varint(data, position, end)[1])
    if kind == LENGTH:
        length, position = varint(data, position, end)
        return Field(number, kind, start, position, position + length)
    if kind in _FIXED:
        return Field(number, kind, start, position, position + _FIXED[kind])
    raise WireError(start, f"field {number} has the unknown wire type {kind}")


def fields(data: memoryview, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message from `start` to `end`.

    A field that reaches beyond `end` is yielded too, so that the caller can look into it for the
    very place where it is cut off, and the error is raised after that.

    Raises:
        WireError: The bytes are no message, or the last field is cut off.
    """
    while start < end:
        field = read_field(data, start, end)
        yield field
        check_end(field, end)
        start = field.end


def check_end(field: Field, end: int) -> None:
    """Raise `WireError` if the field reaches beyond `end`."""
    if field.end > end:
        length, left = field.end - field.start, end - field.start
        raise WireError(field.start, f"{length} bytes are expected, {left} are left")


def decode(message_type: Any, content: bytes | bytearray, offset: int) -> Any:
    """Return the message that protobuf itself makes of `content`, which came from `offset`.

    Raises:
        WireError: Protobuf refuses it.
    """
    try:
        message = message_type.FromString(bytes(content))
        _check_text(message)
    except (DecodeError, UnicodeDecodeError) as error:
        name = message_type.DESCRIPTOR.name
        raise WireError(offset, f"there is no {name}: {error}") from error
    return message


def _check_text(message: Message) -> None:
    """Raise `DecodeError` for text that is not UTF-8, which some protobufs return as bytes."""
    for field, value in message.ListFields():
        if field.type in (field.TYPE_STRING, field.TYPE_MESSAGE):
            for each in [value] if isinstance(value, (Message, str, bytes)) else value:
                if isinstance(each, Message):
                    _check_text(each)
                elif isinstance(each, bytes):
                    raise DecodeError(f"{field.name} is not UTF-8")


def encode_varint(value: int) -> bytes:
    """Return the bytes of a number that is not negative."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def prefix(number: int, length: int) -> bytes:
    """Return what stands before `length` bytes that are the value of field `number`."""
    return encode_varint(number << 3 | LENGTH) + encode_varint(length)
