"""Journals: files of records, one after the other. Manifests and logs of changes are such."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from caffe_core.errors import DataError
from caffe_data_leveldb.coding import checksum

_BLOCK = 32768
_HEADER = struct.Struct("<IHB")  # checksum, length, kind
_KIND_AT = 6
_PADDING, _WHOLE, _FIRST, _MIDDLE, _LAST = range(5)


def read_journal(path: str) -> Iterator[bytes]:
    """Yield the records of a file. One that was cut off at the end was never finished: it is none.

    Raises:
        DataError: The file is damaged.
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        content = file.read()
    at, parts = 0, list[bytes]()
    while at + _HEADER.size <= len(content):
        room = _BLOCK - at % _BLOCK
        expected, length, kind = _HEADER.unpack_from(content, at)
        if room < _HEADER.size or kind == _PADDING:
            at += room
            continue
        end = at + _HEADER.size + length
        if end > len(content):
            return
        if checksum(content[at + _KIND_AT : end]) != expected:
            raise DataError(f"{path!r} is damaged at byte {at}: wrong checksum; copy it again")
        if kind in (_WHOLE, _FIRST):
            parts.clear()
        parts.append(content[at + _HEADER.size : end])
        if kind in (_WHOLE, _LAST):
            yield b"".join(parts)
        at = end


def journal_content(record: bytes) -> bytes:
    """Return the content of a file that holds one record."""
    room = _BLOCK - _HEADER.size
    parts = [record[start : start + room] for start in range(0, len(record), room)]
    kinds = [_FIRST, *[_MIDDLE] * (len(parts) - 2), _LAST] if len(parts) > 1 else [_WHOLE]
    return b"".join(
        _HEADER.pack(checksum(bytes([kind]) + part), len(part), kind) + part
        for kind, part in zip(kinds, parts, strict=True)
    )
