"""Manifests: which tables and logs make up a database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from caffe_core.errors import DataError
from caffe_data_leveldb.coding import Cursor, number, string
from caffe_data_leveldb.entry import user_key
from caffe_data_leveldb.journal import journal_content, read_journal

_ORDER = b"leveldb.BytewiseComparator"


class _Tag(IntEnum):
    """What a part of a manifest's record says."""

    COMPARATOR = 1
    LOG = 2
    NEXT_FILE = 3
    LAST_SEQUENCE = 4
    COMPACT_POINTER = 5
    DELETED = 6
    ADDED = 7
    PREVIOUS_LOG = 9


@dataclass(frozen=True)
class Table:
    """A table: a file of records in the order of their keys.

    Attributes:
        number: The file's number.
        size: Its bytes.
        first: Its first internal key.
        last: Its last one.
    """

    number: int
    size: int
    first: bytes
    last: bytes

    def first_key(self) -> bytes:
        """Return the first key as the user gave it, by which tables sort."""
        return user_key(self.first)


@dataclass
class Manifest:
    """The tables and logs of a database.

    Attributes:
        levels: The tables of each level by number. Those of a level other than 0 do not overlap.
        log: Changes that are in no table are in logs with this number and above.
        previous_log: One more log, of databases that are very old.
    """

    levels: dict[int, dict[int, Table]] = field(default_factory=dict)
    log: int = 0
    previous_log: int = 0


def read_manifest(path: str) -> Manifest:
    """Return what a manifest says after all the changes in it.

    Raises:
        DataError: The file is damaged, or keys have another order than that of their bytes.
        OSError: It cannot be read.
    """
    manifest = Manifest()
    for record in read_journal(path):
        _apply(manifest, Cursor(record), path)
    return manifest


def manifest_content(level: int, tables: Iterable[Table], records: int) -> bytes:
    """Return the manifest of a database that has all its tables on one level, and no log.

    Args:
        level: The level.
        tables: The tables.
        records: How many records they hold, deleted and replaced ones included.
    """
    tables = list(tables)
    unused = max((table.number for table in tables), default=1) + 1
    parts = [number(_Tag.COMPARATOR) + string(_ORDER)]
    parts += [number(_Tag.LOG) + number(unused), number(_Tag.NEXT_FILE) + number(unused + 1)]
    parts.append(number(_Tag.LAST_SEQUENCE) + number(records))
    for table in tables:
        numbers = (_Tag.ADDED, level, table.number, table.size)
        parts += [*map(number, numbers), string(table.first), string(table.last)]
    return journal_content(b"".join(parts))


def _apply(manifest: Manifest, cursor: Cursor, path: str) -> None:
    """Take in the changes of one record."""
    while cursor:
        tag = cursor.number()
        if tag == _Tag.COMPARATOR:
            order = cursor.string()
            if order != _ORDER:
                raise DataError(f"{path!r}: keys are in the order {order!r}, expected {_ORDER!r}")
        elif tag == _Tag.LOG:
            manifest.log = cursor.number()
        elif tag == _Tag.PREVIOUS_LOG:
            manifest.previous_log = cursor.number()
        elif tag in (_Tag.NEXT_FILE, _Tag.LAST_SEQUENCE):
            cursor.number()
        elif tag == _Tag.COMPACT_POINTER:
            cursor.number()
            cursor.string()
        elif tag == _Tag.DELETED:
            level, deleted = cursor.number(), cursor.number()
            manifest.levels.get(level, {}).pop(deleted, None)
        elif tag == _Tag.ADDED:
            level = cursor.number()
            table = Table(cursor.number(), cursor.number(), cursor.string(), cursor.string())
            manifest.levels.setdefault(level, {})[table.number] = table
        else:
            raise DataError(f"{path!r} is damaged: it has a part of the unknown kind {tag}")
