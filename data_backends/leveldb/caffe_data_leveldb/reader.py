"""Reading a LevelDB in key order, around and around."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice

import cramjam

from caffe_core.data.source import Record, Writer
from caffe_core.errors import DataError
from caffe_core.proto.wire import WireError
from caffe_data_leveldb import writer
from caffe_data_leveldb.database import Database


class LevelDB:
    """A LevelDB open for reading: a `caffe_core.data.source.Source`.

    LevelDB does not know how many records it holds: they are counted the first time that they have
    all been read, or when somebody asks.

    Attributes:
        path: The database's folder.
    """

    def __init__(self, path: str):
        self.path = path
        self._count: int | None = None
        self._next = 0
        with self._readable():
            self._database = Database(path)
            self._records = self._from(0)
            if next(self._database.records(), None) is None:
                raise DataError(
                    f"{path!r} is empty: this LevelDB holds 0 records; convert it again"
                )

    @classmethod
    def open(cls, path: str) -> LevelDB:
        """Open the database at `path`.

        Raises:
            DataError: It does not exist, holds no records, is damaged or cannot be read.
        """
        return cls(path)

    @classmethod
    def create(cls, path: str, overwrite: bool = False) -> AbstractContextManager[Writer]:
        """Return a context in which records are put into a new database.

        Raises:
            DataError: `path` exists and may not be overwritten.
        """
        return writer.create(path, overwrite)

    def __len__(self) -> int:
        if self._count is None:
            with self._readable():
                self._count = sum(1 for _ in self._database.records())
        return self._count

    def read(self, start: int, count: int) -> list[Record]:
        """Return `count` records from number `start` on; the first follows the last."""
        with self._readable():
            if self._count is not None:
                start, self._next = start % self._count, self._next % self._count
            if start != self._next:
                self._records = self._from(start)
            self._next = start + count
            return list(islice(self._records, count))

    def close(self) -> None:
        """Close the files."""
        self._records.close()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(f"{self.path!r} cannot be read: {error}") from error
        except (WireError, struct.error, IndexError, cramjam.DecompressionError) as error:
            raise DataError(f"{self.path!r} is damaged: {error}; copy it again") from error

    def _from(self, index: int) -> Iterator[Record]:
        """Yield the records from number `index` on, without end."""
        while True:
            count = 0
            for count, record in enumerate(self._database.records(), 1):
                if count > index:
                    yield record
            self._count = count
            index = index % count if index >= count else 0
