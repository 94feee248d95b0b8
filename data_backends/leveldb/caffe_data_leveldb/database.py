"""Database: all files of a LevelDB, read as they are, without changing any of them."""

from __future__ import annotations

import heapq
import itertools
import os
from collections.abc import Iterable, Iterator
from operator import itemgetter

from caffe_core.data.source import Record, missing
from caffe_core.errors import DataError
from caffe_data_leveldb.entry import Entry, from_batch
from caffe_data_leveldb.journal import read_journal
from caffe_data_leveldb.manifest import Table, read_manifest
from caffe_data_leveldb.table import read_table

_SUFFIXES = (".ldb", ".sst")  # the second is that of LevelDB before 1.14


class Database:
    """The records that are in a LevelDB now.

    Nothing is locked: any number of nets and processes may read, from read-only media too. None of
    them may write at the same time.

    Args:
        path: The folder.

    Raises:
        DataError: There is no LevelDB, or part of it is missing or damaged.
        OSError: It cannot be read.
    """

    def __init__(self, path: str):
        self._path = path
        manifest = read_manifest(self._manifest())
        self._levels = [
            [self._table(table) for table in sorted(tables.values(), key=Table.first_key)]
            for _, tables in sorted(manifest.levels.items())
        ]
        self._overlapping = 0 in manifest.levels
        self._logs = self._find_logs(manifest.log, manifest.previous_log)

    def records(self) -> Iterator[Record]:
        """Yield all records, in the order of their keys.

        Raises:
            DataError: A file is damaged.
            OSError: A file cannot be read.
        """
        before: bytes | None = None
        for key, _, value in heapq.merge(*self._sources(), key=itemgetter(0, 1)):
            if key != before and value is not None:
                yield key, value
            before = key

    def _sources(self) -> Iterator[Iterable[Entry]]:
        """Yield what is sorted in itself: changes in logs, each table of level 0, each level."""
        changes = itertools.chain.from_iterable(map(from_batch, self._log_records()))
        yield sorted(changes, key=itemgetter(0, 1))
        levels = list(self._levels)
        if self._overlapping:
            yield from map(read_table, levels.pop(0))
        for tables in levels:
            yield itertools.chain.from_iterable(map(read_table, tables))

    def _log_records(self) -> Iterator[bytes]:
        for path in self._logs:
            yield from read_journal(path)

    def _manifest(self) -> str:
        """Return the path of the manifest that is in force."""
        current = os.path.join(self._path, "CURRENT")
        if not os.path.isdir(self._path):
            raise missing(self._path, "LevelDB")
        if not os.path.exists(current):
            raise DataError(f"{self._path!r} is not a LevelDB: this folder has no file CURRENT")
        with open(current, encoding="utf-8", errors="surrogateescape") as file:
            name = file.read().strip()
        path = os.path.join(self._path, name)
        if not name.startswith("MANIFEST-") or not os.path.exists(path):
            raise DataError(
                f"{current!r} names {name!r}, which is no manifest in this folder; copy all files"
            )
        return path

    def _table(self, table: Table) -> str:
        """Return the path of a table, if all of it is there."""
        stem = os.path.join(self._path, f"{table.number:06d}")
        found = [stem + suffix for suffix in _SUFFIXES if os.path.exists(stem + suffix)]
        if not found:
            raise DataError(
                f"{stem + _SUFFIXES[0]!r} is missing, part of this LevelDB; copy it, too"
            )
        size = os.path.getsize(found[0])
        if size < table.size:
            raise DataError(
                f"{found[0]!r} is truncated: expected {table.size} bytes, found {size}; "
                "copy or convert it again"
            )
        return found[0]

    def _find_logs(self, first: int, previous: int) -> list[str]:
        """Return the logs with changes that are in no table, oldest first."""
        names = (os.path.splitext(name) for name in os.listdir(self._path))
        numbers = sorted(int(stem) for stem, end in names if end == ".log" and stem.isdecimal())
        wanted = [number for number in numbers if number >= first or number == previous]
        return [os.path.join(self._path, f"{number:06d}.log") for number in wanted]
