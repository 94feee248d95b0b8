"""NewFolder: a database's folder, that appears complete or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from types import TracebackType

from caffe_core.data.source import mark_of
from caffe_core.errors import DataError


class NewFolder:
    """A context that gives a folder to write to, and names it `path` when it ends without an error.

    Attributes:
        path: What the folder is to be called.

    Args:
        path: Likewise.
        backend: The kind of database.
        overwrite: Whether a database of that kind which is there already may be replaced.

    Raises:
        DataError: `path` exists and may not be replaced.
    """

    def __init__(self, path: str, backend: str, overwrite: bool):
        self.path = os.path.abspath(path)
        self._partial = f"{self.path}.{secrets.token_hex(4)}.partial"
        if not os.path.lexists(path) or (os.path.isdir(path) and not os.listdir(path)):
            return
        if not os.path.exists(os.path.join(path, mark_of(backend))):
            raise DataError(
                f"{self.path!r} exists and is no {backend} database; choose another path"
            )
        if not overwrite:
            raise DataError(
                f"{self.path!r} exists already; remove it, or overwrite it with --force"
            )

    def __enter__(self) -> str:
        try:
            os.makedirs(self._partial)
        except OSError as error:
            raise self.failure(error) from error
        return self._partial

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                shutil.rmtree(self.path, ignore_errors=True)
                os.rename(self._partial, self.path)
        except OSError as failure:
            raise self.failure(failure) from failure
        finally:
            shutil.rmtree(self._partial, ignore_errors=True)

    def failure(self, error: Exception) -> DataError:
        """Return an error, to be raised, that says why nothing can be written."""
        return DataError(f"{self.path!r} cannot be written: {error}")
