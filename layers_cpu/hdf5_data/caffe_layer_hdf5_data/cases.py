"""What the contract suite tries HDF5Data on, and examples of its use."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from caffe_core.testing import Case


def write_rows(folder: Path) -> None:
    """Write two HDF5 files, of four and of three rows, and ``files.txt``, which names them."""
    rng = np.random.default_rng(0)
    for name, rows in (("a.h5", 4), ("b.h5", 3)):
        with h5py.File(folder / name, "w") as file:
            file["top0"] = rng.standard_normal((rows, 2, 3)).astype(np.float32)
            file["top1"] = rng.integers(0, 10, rows)
    (folder / "files.txt").write_text("a.h5\nb.h5\n")


CASES = [
    Case(
        'hdf5_data_param { source: "files.txt" batch_size: 3 }',
        bottom=[],
        tops=2,
        files=write_rows,
        note="batches go over the ends of files",
    ),
    Case(
        'hdf5_data_param { source: "files.txt" batch_size: 9 shuffle: true }',
        bottom=[],
        phase="TEST",
        files=write_rows,
        note="in random order; one batch takes more rows than there are",
    ),
]
