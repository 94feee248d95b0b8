"""Writing an LMDB: all of it or nothing."""

from __future__ import annotations

import os
import secrets
import shutil
from types import TracebackType

import lmdb

from caffe_core.errors import DataError

_BATCH_RECORDS = 1000
_BATCH_BYTES = 64 << 20
_FIRST_MAP_SIZE = 256 << 20


class LMDBWriter:
    """A context in which records are put into a new LMDB environment.

    They go into a folder beside `path`, which takes that name when the context ends without an
    error. Records are committed in batches; the map grows as needed.

    Args:
        path: The environment's folder.
        overwrite: Whether an LMDB that is there already may be replaced.

    Raises:
        DataError: `path` exists and may not be replaced.
    """

    def __init__(self, path: str, overwrite: bool = False):
        self.path = os.path.abspath(path)
        self._partial = f"{self.path}.{secrets.token_hex(4)}.partial"
        self._pending: list[tuple[bytes, bytes]] = []
        self._pending_bytes = 0
        _check_free(self.path, overwrite)

    def __enter__(self) -> LMDBWriter:
        try:
            os.makedirs(self._partial)
            self._environment = lmdb.open(self._partial, map_size=_FIRST_MAP_SIZE, sync=False)
        except (lmdb.Error, OSError) as error:
            shutil.rmtree(self._partial, ignore_errors=True)
            raise self._failure(error) from error
        return self

    def put(self, key: bytes, value: bytes) -> None:
        """Add a record. One of the same key is replaced.

        Raises:
            DataError: LMDB does not take the key.
        """
        if not 0 < len(key) <= self._environment.max_key_size():
            raise DataError(
                f"{self.path!r}: a key has {len(key)} bytes, LMDB takes 1 to "
                f"{self._environment.max_key_size()}: {key[:40]!r}..."
            )
        self._pending.append((key, value))
        self._pending_bytes += len(value)
        if len(self._pending) >= _BATCH_RECORDS or self._pending_bytes >= _BATCH_BYTES:
            self._commit()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            with self._environment:
                if kind is None:
                    self._commit()
                    self._environment.sync(True)
            if kind is None:
                shutil.rmtree(self.path, ignore_errors=True)
                os.rename(self._partial, self.path)
        except OSError as failure:
            raise self._failure(failure) from failure
        finally:
            shutil.rmtree(self._partial, ignore_errors=True)

    def _commit(self) -> None:
        committed = False
        while not committed:
            try:
                with self._environment.begin(write=True) as transaction:
                    transaction.cursor().putmulti(self._pending)
                committed = True
            except lmdb.MapFullError:
                self._environment.set_mapsize(2 * self._environment.info()["map_size"])
            except lmdb.Error as error:
                raise self._failure(error) from error
        self._pending.clear()
        self._pending_bytes = 0

    def _failure(self, error: Exception) -> DataError:
        return DataError(f"{self.path!r} cannot be written: {error}")


def _check_free(path: str, overwrite: bool) -> None:
    """Refuse to replace anything that is not an LMDB, or that nobody asked to replace."""
    if not os.path.lexists(path) or (os.path.isdir(path) and not os.listdir(path)):
        return
    if not os.path.exists(os.path.join(path, "data.mdb")):
        raise DataError(f"{path!r} exists and is not an LMDB database; choose another path")
    if not overwrite:
        raise DataError(f"{path!r} exists already; remove it, or overwrite it with --force")
