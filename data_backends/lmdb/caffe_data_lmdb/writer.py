"""Writing an LMDB: all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import lmdb

from caffe_core.data.new_folder import NewFolder
from caffe_core.errors import DataError

_BATCH_RECORDS = 1000
_BATCH_BYTES = 64 << 20
_FIRST_MAP_SIZE = 256 << 20


class LMDBWriter:
    """Puts records into a new LMDB environment: in batches, so that its map may grow in between."""

    def __init__(self, folder: NewFolder, environment: Any):
        self._folder, self._environment = folder, environment
        self._pending: list[tuple[bytes, bytes]] = []
        self._pending_bytes = 0

    def put(self, key: bytes, value: bytes) -> None:
        """Add a record. One of the same key is replaced.

        Raises:
            DataError: LMDB does not take the key.
        """
        if not 0 < len(key) <= self._environment.max_key_size():
            raise DataError(
                f"{self._folder.path!r}: a key has {len(key)} bytes, LMDB takes 1 to "
                f"{self._environment.max_key_size()}: {key[:40]!r}..."
            )
        self._pending.append((key, value))
        self._pending_bytes += len(value)
        if len(self._pending) >= _BATCH_RECORDS or self._pending_bytes >= _BATCH_BYTES:
            self.commit()

    def commit(self) -> None:
        """Write the records that wait."""
        committed = False
        while not committed:
            try:
                with self._environment.begin(write=True) as transaction:
                    transaction.cursor().putmulti(self._pending)
                committed = True
            except lmdb.MapFullError:
                self._environment.set_mapsize(2 * self._environment.info()["map_size"])
            except lmdb.Error as error:
                raise self._folder.failure(error) from error
        self._pending.clear()
        self._pending_bytes = 0


def create(path: str, overwrite: bool = False) -> AbstractContextManager[LMDBWriter]:
    """Return a context in which records are put into a new LMDB environment.

    They go into a folder beside `path`, which takes that name when the context ends without an
    error.

    Args:
        path: The environment's folder.
        overwrite: Whether an LMDB that is there already may be replaced.

    Raises:
        DataError: `path` exists and may not be replaced.
    """
    return _writing(NewFolder(path, "LMDB", overwrite))


@contextmanager
def _writing(folder: NewFolder) -> Iterator[LMDBWriter]:
    with folder as partial:
        try:
            environment = lmdb.open(partial, map_size=_FIRST_MAP_SIZE, sync=False)
        except lmdb.Error as error:
            raise folder.failure(error) from error
        with environment:
            writer = LMDBWriter(folder, environment)
            yield writer
            writer.commit()
            environment.sync(True)
