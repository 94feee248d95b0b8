"""Entries: what was done to a key at some time. The last one counts."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from caffe_data_leveldb.coding import Cursor

DELETED, PUT = 0, 1
_TAG = struct.Struct("<Q")


class Entry(NamedTuple):
    """A key, with its value at some time. Entries sort by key, later ones first.

    Attributes:
        key: The key that the user gave.
        age: The higher the older.
        value: What was put there; None if the record was deleted.
    """

    key: bytes
    age: int
    value: bytes | memoryview | None


def from_internal_key(key: bytes, value: bytes | memoryview) -> Entry:
    """Return the entry with this key and value in a table."""
    (tag,) = _TAG.unpack_from(key, len(key) - _TAG.size)
    return Entry(user_key(key), -(tag >> 8), value if tag & 0xFF == PUT else None)


def user_key(key: bytes) -> bytes:
    """Return the key that a user gave, of an internal one."""
    return key[: -_TAG.size]


def internal_key(key: bytes, sequence: int) -> bytes:
    """Return the key that a table has for the `sequence`-th entry that was put."""
    return key + _TAG.pack(sequence << 8 | PUT)


def from_batch(record: bytes) -> Iterator[Entry]:
    """Yield the entries in a record of a log."""
    cursor = Cursor(record)
    sequence, count = cursor.fixed(8), cursor.fixed(4)
    for place in range(count):
        kind, key = cursor.fixed(1), cursor.string()
        yield Entry(key, -(sequence + place), cursor.string() if kind == PUT else None)
