"""Opening LMDB environments: each path once per process, whoever asks."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any

import lmdb

from caffe_core.data.source import missing
from caffe_core.errors import DataError


@dataclass
class _Shared:
    environment: Any
    users: int


_guard = threading.Lock()
_open: dict[str, _Shared] = {}


def acquire(path: str) -> Any:
    """Return the environment at `path`, open for reading; `release` it when done.

    LMDB forbids a process to open one environment twice, yet nets may share a database.

    Raises:
        DataError: There is none, or it is damaged or unreadable.
    """
    key = os.path.realpath(path)
    with _guard:
        if key not in _open:
            _open[key] = _Shared(_open_for_reading(path), 0)
        _open[key].users += 1
        return _open[key].environment


def release(path: str, environment: Any) -> None:
    """Close an environment that `acquire` returned, if nobody else reads it."""
    key = os.path.realpath(path)
    with _guard:
        shared = _open.get(key)
        if shared is None or shared.environment is not environment:
            return  # a fork closed it
        shared.users -= 1
        if shared.users == 0:
            del _open[key]
            environment.close()


def _start_anew() -> None:
    """After a fork, leave the environments to the parent: LMDB wants the child to open its own."""
    global _guard
    _guard = threading.Lock()
    while _open:
        _open.popitem()[1].environment.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


def _open_for_reading(path: str) -> Any:
    data = os.path.join(path, "data.mdb") if os.path.isdir(path) else path
    if not os.path.exists(path):
        raise missing(path, "LMDB database")
    if not os.path.exists(data):
        raise DataError(f"{path!r} is not an LMDB database: this folder has no file data.mdb")
    try:
        environment = _try_open(path)
    except (lmdb.InvalidError, lmdb.VersionMismatchError, lmdb.CorruptedError) as error:
        raise DataError(
            f"{data!r} ({os.path.getsize(data)} bytes) is not an LMDB database, or damaged: {error}"
        ) from error
    except (lmdb.Error, OSError) as error:
        raise DataError(
            f"{path!r} cannot be opened: {error}; check that it may be read and that no other part "
            "of this process has it open"
        ) from error
    try:
        _check_size(environment, data)
    except DataError:
        environment.close()
        raise
    return environment


def _try_open(path: str) -> Any:
    """Open with a lock, which keeps a writer from reusing what is read; else without.

    Read-only media, network file systems and other people's folders do not take locks.
    """
    subdir = os.path.isdir(path)
    try:
        return lmdb.open(path, subdir=subdir, readonly=True, create=False)
    except (lmdb.InvalidError, lmdb.VersionMismatchError, lmdb.CorruptedError):
        raise
    except (lmdb.Error, OSError):
        return lmdb.open(path, subdir=subdir, readonly=True, create=False, lock=False)


def _check_size(environment: Any, data: str) -> None:
    """Refuse a truncated file: touching a missing page would kill the process."""
    expected = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    found = os.path.getsize(data)
    if found < expected:
        raise DataError(
            f"{data!r} is truncated: expected at least {expected} bytes, found {found}; "
            "copy or convert it again"
        )
