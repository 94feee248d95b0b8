"""Writing tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cramjam

from caffe_data_leveldb.coding import checksum, number
from caffe_data_leveldb.table import COUNT, HANDLES, MAGIC, PLAIN, SNAPPY, TRAILER

_BLOCK = 65536  # bytes from which on a block is full: what BVLC Caffe asks for
_WORTHWHILE = 7 / 8  # of its size, to which a block must shrink to be stored compressed


def table_content(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the content of a table of internal keys and values, which come sorted."""
    content, index = bytearray(), []
    pending: list[tuple[bytes, bytes]] = []
    size = 0
    for entry in entries:
        pending.append(entry)
        size += sum(map(len, entry))
        if size >= _BLOCK:
            index.append((pending[-1][0], _append(content, pending)))
            pending, size = [], 0
    if pending:
        index.append((pending[-1][0], _append(content, pending)))
    handles = _append(content, []) + _append(content, index)
    return bytes(content + handles.ljust(HANDLES, b"\0") + MAGIC)


def _append(content: bytearray, entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Append a block, and return its place as an index has it."""
    block, start = _block(entries), len(content)
    shrunk = bytes(cramjam.snappy.compress_raw(block))
    kind, stored = (SNAPPY, shrunk) if len(shrunk) < _WORTHWHILE * len(block) else (PLAIN, block)
    content += stored
    content += TRAILER.pack(kind, checksum(stored + bytes([kind])))
    return number(start) + number(len(stored))


def _block(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return a block. No key shares anything with the one before: a search may begin at each."""
    content, starts = bytearray(), []
    for key, value in entries:
        starts.append(len(content))
        content += number(0) + number(len(key)) + number(len(value)) + key + value
    starts = starts or [0]
    return bytes(content) + b"".join(map(COUNT.pack, [*starts, len(starts)]))
