"""RowReader: batch number b of the rows of HDF5 files, whatever was read before."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_layer_hdf5_data.files import HDF5File


class RowReader:
    """Fills arrays with batches of rows: those of the first file, of the second, and so on.

    A batch may go over the ends of files, and from the last file to the first. One file is held in
    memory at a time.

    Args:
        files: Where the rows are.
        names: The dataset for each array.
        seed: Seed of the order.
        shuffle: In each lap through all rows, take the files in another random order, and the rows
            of each file too.
    """

    def __init__(self, files: Sequence[HDF5File], names: Sequence[str], seed: int, shuffle: bool):
        self._files, self._names = files, names
        self._seed, self._shuffle = seed, shuffle
        self._total = sum(file.rows for file in files)
        remember = functools.lru_cache(maxsize=1)
        self._order, self._rows = remember(self._find_order), remember(self._find_rows)
        self._load = remember(self._read)

    def __call__(self, number: int, slot: list[np.ndarray]) -> None:
        """Write batch `number` into a slot, an array for each dataset.

        Raises:
            DataError: A file cannot be read.
        """
        size = len(slot[0])
        written = 0
        while written < size:
            lap, row = divmod(number * size + written, self._total)
            file, row = self._find(lap, row)
            rows = self._rows(lap, file)[row : row + size - written]
            end = written + len(rows)
            for target, data in zip(slot, self._load(file), strict=True):
                target[written:end] = data[_as_slice(rows)]
            written = end

    def _find(self, lap: int, row: int) -> tuple[int, int]:
        """Return in which file a row of a lap is, and which of that file's rows."""
        order, ends = self._order(lap)
        at = int(np.searchsorted(ends, row, side="right"))
        file = int(order[at])
        return file, row - int(ends[at]) + self._files[file].rows

    def _find_order(self, lap: int) -> tuple[Any, Any]:
        """Return the order of the files in a lap, and how many rows end with each of them."""
        order = np.arange(len(self._files))
        if self._shuffle:
            np.random.default_rng((self._seed, lap)).shuffle(order)
        return order, np.cumsum([self._files[file].rows for file in order])

    def _find_rows(self, lap: int, file: int) -> Any:
        """Return the order of a file's rows in a lap."""
        rows = self._files[file].rows
        if not self._shuffle:
            return range(rows)
        return np.random.default_rng((self._seed, lap, file)).permutation(rows)

    def _read(self, file: int) -> list[np.ndarray]:
        return self._files[file].read(self._names)


def _as_slice(rows: Any) -> Any:
    """Rows in order make a slice, which needs no copy."""
    return slice(rows.start, rows.stop) if isinstance(rows, range) else rows
