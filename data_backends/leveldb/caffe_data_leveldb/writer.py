"""Writing a LevelDB: all of it or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from caffe_core.data.new_folder import NewFolder
from caffe_data_leveldb.entry import internal_key
from caffe_data_leveldb.manifest import Table, manifest_content
from caffe_data_leveldb.table_writer import table_content

_TABLE_BYTES = 64 << 20
_MANIFEST = "MANIFEST-000001"
_FIRST_TABLE = 2
_OVERLAPPING, _SORTED = 0, 6  # the levels that LevelDB leaves alone longest


class LevelDBWriter:
    """Puts records into tables of a new LevelDB.

    If the keys come in order, as Caffe's tools write them, the tables do not overlap and the
    database is as LevelDB itself would leave it in the end.
    """

    def __init__(self, folder: str):
        self._folder = folder
        self._pending: dict[bytes, bytes] = {}
        self._pending_bytes = 0
        self._tables: list[Table] = []
        self._level = _SORTED
        self._last_key: bytes | None = None
        self._sequence = 0

    def put(self, key: bytes, value: bytes) -> None:
        """Add a record. One of the same key is replaced.

        Raises:
            DataError: There is no room for it.
        """
        self._pending[bytes(key)] = bytes(value)
        self._pending_bytes += len(key) + len(value)
        if self._pending_bytes >= _TABLE_BYTES:
            self._write_table()

    def finish(self) -> None:
        """Write the records that wait, and what makes a database of all of them."""
        self._write_table()
        manifest = manifest_content(self._level, self._tables, self._sequence)
        self._write(_MANIFEST, manifest)
        self._write("CURRENT", f"{_MANIFEST}\n".encode())

    def _write_table(self) -> None:
        if not self._pending:
            return
        keys = sorted(self._pending)
        if self._last_key is not None and keys[0] <= self._last_key:
            self._level = _OVERLAPPING
        self._last_key = max(keys[-1], self._last_key or b"")
        internal = [internal_key(key, self._sequence + 1 + i) for i, key in enumerate(keys)]
        content = table_content(zip(internal, map(self._pending.__getitem__, keys), strict=True))
        number = _FIRST_TABLE + len(self._tables)
        self._write(f"{number:06d}.ldb", content)
        self._tables.append(Table(number, len(content), internal[0], internal[-1]))
        self._sequence += len(keys)
        self._pending.clear()
        self._pending_bytes = 0

    def _write(self, name: str, content: bytes) -> None:
        with open(os.path.join(self._folder, name), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def create(path: str, overwrite: bool = False) -> AbstractContextManager[LevelDBWriter]:
    """Return a context in which records are put into a new LevelDB.

    They go into a folder beside `path`, which takes that name when the context ends without an
    error.

    Args:
        path: The database's folder.
        overwrite: Whether a LevelDB that is there already may be replaced.

    Raises:
        DataError: `path` exists and may not be replaced.
    """
    return _writing(NewFolder(path, "LEVELDB", overwrite))


@contextmanager
def _writing(folder: NewFolder) -> Iterator[LevelDBWriter]:
    with folder as partial:
        writer = LevelDBWriter(partial)
        yield writer
        writer.finish()
