"""Reading an LMDB in key order, around and around."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import islice

import lmdb

from caffe_core.data.source import Record, Writer
from caffe_core.errors import DataError
from caffe_data_lmdb import environment, writer


class LMDB:
    """An LMDB environment open for reading: a `caffe_core.data.source.Source`.

    Values are views of the mapped file, valid until `close`.

    Attributes:
        path: The environment's folder, or its data file.
    """

    def __init__(self, path: str):
        self.path = path
        with ExitStack() as opened, self._readable():
            shared = environment.acquire(path)
            opened.callback(environment.release, path, shared)
            self._transaction = shared.begin(buffers=True)
            opened.callback(self._transaction.abort)
            self._count = self._transaction.stat()["entries"]
            if self._count == 0:
                raise DataError(f"{path!r} is empty: this LMDB holds 0 records; convert it again")
            self._next = 0
            self._records = self._from(0)
            self._opened = opened.pop_all()

    @classmethod
    def open(cls, path: str) -> LMDB:
        """Open the environment at `path`.

        Raises:
            DataError: It does not exist, holds no records, is damaged or cannot be read.
        """
        return cls(path)

    @classmethod
    def create(cls, path: str, overwrite: bool = False) -> AbstractContextManager[Writer]:
        """Return a context in which records are put into a new environment.

        Raises:
            DataError: `path` exists and may not be overwritten.
        """
        return writer.create(path, overwrite)

    def __len__(self) -> int:
        return self._count

    def read(self, start: int, count: int) -> list[Record]:
        """Return `count` records from number `start` on; the first follows the last."""
        with self._readable():
            if start % self._count != self._next:
                self._records = self._from(start % self._count)
            self._next = (start + count) % self._count
            return list(islice(self._records, count))

    def close(self) -> None:
        """Release the environment."""
        self._records = iter(())
        self._opened.close()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except lmdb.Error as error:
            raise DataError(f"{self.path!r} cannot be read: {error}") from error

    def _from(self, index: int) -> Iterator[Record]:
        """Yield the records from number `index` on, without end. LMDB knows keys, not numbers."""
        cursor = self._transaction.cursor()
        cursor.first()
        for _ in range(index):
            cursor.next()
        while True:
            yield from cursor.iternext()
            cursor.first()
