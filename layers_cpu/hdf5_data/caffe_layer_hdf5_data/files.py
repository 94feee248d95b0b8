"""HDF5 files that a list names, and the datasets in them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from caffe_core.data.image_file import nearest
from caffe_core.data.source import missing
from caffe_core.errors import DataError, did_you_mean

Shape = tuple[int, ...]


@dataclass(frozen=True)
class HDF5File:
    """One file of a list.

    Attributes:
        path: Where it is.
        place: Where its name stands, such as ``list.txt:3``.
        rows: How many rows each dataset has.
        shapes: The shape of a row of each dataset.
    """

    path: str
    place: str
    rows: int
    shapes: Sequence[Shape]

    def read(self, names: Sequence[str]) -> list[np.ndarray]:
        """Return these datasets as they are stored.

        Raises:
            DataError: They cannot be read.
        """
        with _reading(self.place, self.path) as file:
            return [file[name][...] for name in names]


def read_list(source: str, names: Sequence[str]) -> list[HDF5File]:
    """Return the files of a list, in its order, having looked at their datasets.

    Args:
        source: A text file with the paths of HDF5 files.
        names: Datasets that each must have.

    Raises:
        DataError: The list or a file does not exist or is empty, or a dataset is missing, or is not
            like that of the first file.
    """
    if not os.path.isfile(source):
        raise missing(source, "list of HDF5 files")
    files: list[HDF5File] = []
    lines = Path(source).read_text("utf-8", "surrogateescape").split("\n")
    for number, line in enumerate(lines, 1):
        for path in line.split():
            files.append(_inspect(f"{source}:{number}", path, names))
            _check_alike(files[0], files[-1], names)
    if not files:
        raise DataError(
            f"{source!r} names no files; expected the path of an HDF5 file on each line"
        )
    if not any(file.rows for file in files):
        raise DataError(f"{source!r}: its files have no rows; there must be at least one")
    return files


def _inspect(place: str, path: str, names: Sequence[str]) -> HDF5File:
    with _reading(place, path) as file:
        datasets = [_dataset(file, name) for name in names]
        first = datasets[0]
        for name, dataset in zip(names, datasets, strict=True):
            if len(dataset) != len(first):
                raise DataError(
                    f"dataset {name!r} has {len(dataset)} rows, {names[0]!r} has {len(first)}; "
                    "all tops of a batch need as many"
                )
        return HDF5File(path, place, len(first), [dataset.shape[1:] for dataset in datasets])


def _dataset(file: Any, name: str) -> Any:
    """Return a dataset, if it is one that a top can hold."""
    dataset = file.get(name)
    if not isinstance(dataset, h5py.Dataset):
        raise DataError(
            f"there is no dataset {name!r}, only {', '.join(map(repr, file)) or 'nothing'}."
            f"{did_you_mean(name, file)} Name the tops like the datasets."
        )
    if dataset.shape is None or not dataset.shape:
        raise DataError(f"dataset {name!r} has no axes; the first must be that of the rows")
    if dataset.dtype.kind not in "fiub":
        raise DataError(f"dataset {name!r} holds {dataset.dtype}; expected real or whole numbers")
    return dataset


def _check_alike(first: HDF5File, file: HDF5File, names: Sequence[str]) -> None:
    for name, wanted, found in zip(names, first.shapes, file.shapes, strict=True):
        if wanted != found:
            raise DataError(
                f"{file.place}: {file.path!r}: rows of dataset {name!r} are {found}, those of "
                f"{first.path!r} are {wanted}; all files must be alike"
            )


@contextmanager
def _reading(place: str, path: str) -> Iterator[Any]:
    """Open a file; whatever is wrong with it is said with the place of its name in the list."""
    if not os.path.exists(path):
        raise DataError(f"{place}: {path!r} does not exist{nearest(path)} Correct the path.")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except DataError as error:
        raise DataError(f"{place}: {path!r}: {error}") from error
    except (OSError, RuntimeError, KeyError) as error:
        raise DataError(f"{place}: {path!r} is not an HDF5 file, or damaged: {error}") from error
