"""Tables: sorted files of entries, in blocks that may be compressed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import cramjam

from caffe_core.errors import DataError
from caffe_core.proto.wire import varint
from caffe_data_leveldb.coding import Cursor, checksum
from caffe_data_leveldb.entry import Entry, from_internal_key

MAGIC = bytes.fromhex("57fb808b247547db")
HANDLES = 40  # bytes of the footer before the magic number
_FOOTER = HANDLES + len(MAGIC)
TRAILER = struct.Struct("<BI")  # behind a block: compression, checksum
PLAIN, SNAPPY = 0, 1
COUNT = struct.Struct("<I")

Handle = tuple[int, int]


def read_table(path: str) -> Iterator[Entry]:
    """Yield the entries of a table, in their order.

    Raises:
        DataError: The file is damaged.
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        for _, handle in _pairs(_read_block(file, path, _index(file, path))):
            for key, value in _pairs(_read_block(file, path, _handle(Cursor(bytes(handle))))):
                yield from_internal_key(key, value)


def _index(file: Any, path: str) -> Handle:
    """Return where the index is, the block that tells where the others are."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _FOOTER))
    footer = file.read(_FOOTER)
    if len(footer) < _FOOTER or not footer.endswith(MAGIC):
        raise DataError(f"{path!r} ({size} bytes) is no LevelDB table, or cut off; copy it again")
    cursor = Cursor(footer)
    _handle(cursor)  # of a block with further information
    return _handle(cursor)


def _handle(cursor: Cursor) -> Handle:
    return cursor.number(), cursor.number()


def _read_block(file: Any, path: str, handle: Handle) -> bytes:
    """Return a block as it was before it was compressed."""
    start, size = handle
    file.seek(start)
    raw = file.read(size + TRAILER.size)
    if len(raw) < size + TRAILER.size:
        raise DataError(f"{path!r} is cut off in the block at byte {start}; copy it again")
    compression, expected = TRAILER.unpack_from(raw, size)
    if checksum(raw[: size + 1]) != expected:
        raise DataError(
            f"{path!r} is damaged in the block at byte {start}: wrong checksum; copy it again"
        )
    if compression == PLAIN:
        return bytes(raw[:size])
    if compression == SNAPPY:
        return bytes(cramjam.snappy.decompress_raw(memoryview(raw)[:size]))
    raise DataError(
        f"{path!r}: blocks are compressed by method {compression}; expected none or snappy (1)"
    )


def _pairs(block: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the keys and values in a block. A key leaves out what it shares with the one before."""
    data = memoryview(block)
    (restarts,) = COUNT.unpack_from(block, len(block) - COUNT.size)
    end = len(block) - COUNT.size * (restarts + 1)
    key, at = b"", 0
    while at < end:
        shared, at = varint(data, at, end)
        rest, at = varint(data, at, end)
        length, at = varint(data, at, end)
        key = key[:shared] + block[at : at + rest]
        at += rest
        yield key, data[at : at + length]
        at += length
