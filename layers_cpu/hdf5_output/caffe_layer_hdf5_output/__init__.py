"""HDF5Output: writes two bottoms to an HDF5 file."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.errors import CaffeError
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, exactly
from caffe_core.testing import Case
from caffe_layer_hdf5_output.writer import HDF5Writer

logger = logging.getLogger("caffe")

_DATASETS = ("data", "label")


class HDF5Output(Layer):
    """Writes bottom 0 to the dataset ``data`` and bottom 1 to ``label`` of a file.

    Both have as many rows and get four axes, as all blobs once had: missing ones have length 1. A
    batch comes after those before it. The file ``hdf5_output_param.file_name`` appears, or is
    replaced, when the net is closed; if the net never ran, nothing is written. The gradient of the
    bottoms is 0.
    """

    bottoms = exactly(2)
    tops = exactly(0)
    facts = Facts(backward_reads=frozenset(), host_only=True)
    writer: HDF5Writer | None = None

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that there is a folder for the file."""
        self.path = self.param.hdf5_output_param.file_name
        if not self.path:
            raise self.error("file_name is missing; set hdf5_output_param.file_name")
        folder = os.path.dirname(os.path.abspath(self.path))
        if not os.path.isdir(folder):
            raise self.error(
                f"{self.path!r} cannot be written: there is no folder {folder!r}; make it, or "
                "change hdf5_output_param.file_name"
            )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """See that rows can be written in pairs."""
        try:
            rows = [blob.num for blob in bottom]
        except CaffeError as error:
            raise self.error(f"{error}; reshape the bottom") from error
        if rows[0] != rows[1]:
            names = self.param.bottom
            raise self.error(
                f"bottom {names[0]!r} {bottom[0].shape} has {rows[0]} rows, bottom {names[1]!r} "
                f"{bottom[1].shape} has {rows[1]}; both must have as many"
            )

    def append(self, bottom: Sequence[Blob]) -> None:
        """Write a batch."""
        if self.writer is None:
            logger.info("Saving HDF5 file %s", self.path)
            self.writer = HDF5Writer(self.path)
        for name, blob in zip(_DATASETS, bottom, strict=True):
            shape = [blob.legacy_dim(axis) for axis in range(4)]
            self.writer.append(name, blob.read().reshape(shape))

    def close(self) -> None:
        """Complete the file. Another forward would begin a new one."""
        writer, self.writer = self.writer, None
        if writer is not None:
            writer.close()


class HDF5OutputKernel(Kernel):
    """HDF5Output on the host."""

    formats = ANY_FORMAT

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write a batch."""
        self.layer.append(bottom)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write zeros to the diffs of the bottoms that want one."""
        for below, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                below.diff_tensor.clear()


def write_nothing(folder: Path) -> None:
    """Leave the folder to the layer."""


_FILE = 'hdf5_output_param { file_name: "out.h5" }'

CASES = [
    Case(
        _FILE,
        bottom=[(2, 3, 4, 5), (2, 1, 1, 1)],
        tops=0,
        files=write_nothing,
        note="images and labels",
    ),
    Case(
        _FILE,
        bottom=[(4, 3), (4,)],
        tops=0,
        phase="TEST",
        files=write_nothing,
        note="features",
    ),
]
