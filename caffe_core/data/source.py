"""Source: records in the order of their keys, from a database that a plugin knows how to read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, cast

from caffe_core import registry
from caffe_core.errors import DataError, did_you_mean

Record = tuple[bytes, bytes]
"""A key and a value. The value may be a view of the source's memory, valid until the next read."""

_MARKS = {"LMDB": "data.mdb", "LEVELDB": "CURRENT"}


class Writer(Protocol):
    """Where the records of a new database are put."""

    def put(self, key: bytes, value: bytes) -> None:
        """Add a record. One of the same key is replaced.

        Raises:
            DataError: The key or the record is longer than the database takes.
        """


class Source(Protocol):
    """An open database. One thread reads it at a time; another object may read the same path.

    Distributions supply one through the entry-point group ``caffe.data``, under the name that
    ``data_param.backend`` has for it.
    """

    path: str

    @classmethod
    def open(cls, path: str) -> Source:
        """Open the database at `path` for reading.

        Raises:
            DataError: It does not exist, holds no records, is damaged or cannot be read.
        """

    @classmethod
    def create(cls, path: str, overwrite: bool = False) -> AbstractContextManager[Writer]:
        """Return a context in which records are put into a new database.

        The database appears at `path` when the context ends, and not at all if it ends in an error.

        Raises:
            DataError: `path` exists and may not be overwritten, or cannot be written.
        """

    def __len__(self) -> int:
        """Return the number of records, at least 1."""

    def read(self, start: int, count: int) -> Sequence[Record]:
        """Return `count` records from number `start` on, both of any size.

        After the last record comes the first: `start` is taken modulo the number of records.
        Reading on from where the last read ended is fast; any other start may take a search.
        """

    def close(self) -> None:
        """Release the database."""


def open_source(backend: str, path: str) -> Source:
    """Open the database at `path`.

    Args:
        backend: Name of the kind of database, such as ``LMDB``.
        path: Where it is.

    Raises:
        DataError: It cannot be read, or is one of another kind.
        PluginError: No plugin reads that kind.
    """
    if not os.path.exists(path):
        raise missing(path, f"{backend} database")
    found = _kind(path)
    if found not in (None, backend):
        raise DataError(
            f"{path!r}: expected {backend} database, found {found}; set backend: {found}"
        )
    return cast(Source, registry.sources[backend].open(path))


def mark_of(backend: str) -> str:
    """Return the name of a file that every folder with a database of a well-known kind has."""
    return _MARKS[backend]


def missing(path: str, expected: str) -> DataError:
    """Return an error to be raised, about something that does not exist.

    Args:
        path: Where nothing was found.
        expected: What ought to be there, such as ``LMDB database``.
    """
    full = Path(os.path.abspath(path))
    if not full.parent.is_dir():
        return DataError(
            f"{path!r} does not exist, nor does the folder {str(full.parent)!r} (expected: "
            f"{expected}). Correct the path, or write one with `caffe convert`."
        )
    near = did_you_mean(full.name, (each.name for each in full.parent.iterdir()))
    return DataError(
        f"{path!r} does not exist (expected: {expected} in {str(full.parent)!r}).{near} "
        "Correct the path, or write one with `caffe convert`."
    )


def _kind(path: str) -> str | None:
    """The kind of database that the files in `path` are, where it can be told."""
    for backend, mark in _MARKS.items():
        if os.path.exists(os.path.join(path, mark)):
            return backend
    return None
