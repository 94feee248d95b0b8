"""HDF5Data: batches of the rows of HDF5 datasets."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from caffe_core.blob import Blob
from caffe_core.data.layer import Opener, PrefetchingKernel, PrefetchingLayer
from caffe_core.layer import at_least
from caffe_layer_hdf5_data.cases import CASES
from caffe_layer_hdf5_data.files import read_list
from caffe_layer_hdf5_data.reader import RowReader

__all__ = ["CASES", "HDF5Data", "HDF5DataKernel"]

logger = logging.getLogger("caffe")


class HDF5Data(PrefetchingLayer):
    """Reads the datasets of the files that a list names, row by row, again and again.

    Each top holds the dataset of its name, ``(batch_size, ...)``; a dataset's first axis is that of
    its rows, and it holds real or whole numbers. A batch may go from one file to the next. With
    ``shuffle`` the files come in another random order each time, and the rows within each. Values
    are taken as they are: there is no ``transform_param``.
    """

    tops = at_least(1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Look at all files."""
        param = self.param.hdf5_data_param
        if self.param.HasField("transform_param"):
            raise self.error(
                "does not transform data; remove transform_param, and scale what is in the files"
            )
        if not param.source:
            raise self.error("source is missing; set hdf5_data_param.source to a list of files")
        if param.batch_size == 0:
            raise self.error("batch_size must be at least 1; set hdf5_data_param.batch_size")
        logger.info("Loading list of HDF5 filenames from: %s", param.source)
        self.files = read_list(param.source, self.param.top)
        logger.info("Number of HDF5 files: %d", len(self.files))
        self.shapes = [(param.batch_size, *shape) for shape in self.files[0].shapes]

    def opener(self) -> Opener:
        """Return what makes the reader in the thread."""
        shuffle = self.param.hdf5_data_param.shuffle
        return functools.partial(_open, self.files, list(self.param.top), self.seed, shuffle)


@contextmanager
def _open(*args: Any) -> Iterator[RowReader]:
    yield RowReader(*args)


class HDF5DataKernel(PrefetchingKernel):
    """HDF5Data on the host."""
