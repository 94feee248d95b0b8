"""Set a field of any kind."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message


def put(message: Any, name: str, value: Any) -> None:
    """Set the field `name`, or add to it if it is repeated."""
    current = getattr(message, name)
    if isinstance(current, Message):
        current.CopyFrom(value)
    elif isinstance(current, (bool, int, float, str, bytes)):
        setattr(message, name, value)
    elif isinstance(value, (bool, int, float, str, bytes, Message)):
        current.append(value)
    else:
        current.extend(value)
