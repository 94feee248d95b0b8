"""HDF5Writer: batches, one after the other, into the datasets of a new file."""

from __future__ import annotations

import os
import secrets
import weakref
from typing import Any

import h5py

from caffe_core.errors import DataError


class HDF5Writer:
    """Appends rows to datasets.

    The file gets its name when it is complete: when the writer is closed or dropped, or the process
    ends. Until then it stands beside that name, which may be that of an older file.

    Args:
        path: The file.

    Raises:
        DataError: It cannot be written.
    """

    def __init__(self, path: str):
        self.path = os.path.abspath(path)
        partial = f"{self.path}.{secrets.token_hex(4)}.partial"
        try:
            self._file = h5py.File(partial, "w")
        except OSError as error:
            raise self._error(error) from error
        self._finish = weakref.finalize(self, _finish, self._file, partial, self.path)

    def append(self, name: str, rows: Any) -> None:
        """Append rows to a dataset; the first ones make it.

        Raises:
            DataError: They have another shape than those before, or cannot be written.
        """
        try:
            if name not in self._file:
                self._file.create_dataset(name, data=rows, maxshape=(None, *rows.shape[1:]))
                return
            dataset = self._file[name]
            if dataset.shape[1:] != rows.shape[1:]:
                raise DataError(
                    f"{self.path!r}: rows of dataset {name!r} are {rows.shape[1:]}, those before "
                    f"were {dataset.shape[1:]}; all must have one shape"
                )
            dataset.resize(len(dataset) + len(rows), axis=0)
            dataset[len(dataset) - len(rows) :] = rows
        except OSError as error:
            raise self._error(error) from error

    def close(self) -> None:
        """Complete the file and give it its name.

        Raises:
            DataError: It cannot be written.
        """
        try:
            self._finish()
        except (OSError, RuntimeError) as error:  # h5py's, where there is no room left
            raise self._error(error) from error

    def _error(self, error: Exception) -> DataError:
        return DataError(
            f"{self.path!r} cannot be written: {error}; see that the folder exists, may be written "
            "to and has room, or change hdf5_output_param.file_name"
        )


def _finish(file: Any, partial: str, path: str) -> None:
    file.close()
    os.replace(partial, path)
