from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from caffe_data_lmdb import LMDB

from caffe_core.cli import main
from caffe_core.data import datum


@pytest.fixture
def convert(capfd):
    """Run ``caffe convert`` and return its exit status and what it wrote to standard error."""

    def run(*args):
        capfd.readouterr()
        status = main(["convert", *map(str, args)])
        return status, capfd.readouterr().err

    return run


@pytest.fixture
def records():
    """Read a whole database: ``(key, datum)`` pairs."""

    def read(path):
        source = LMDB.open(str(path))
        found = [
            (bytes(key).decode(), datum.parse(value)) for key, value in source.read(0, len(source))
        ]
        source.close()
        return found

    return read


def idx_bytes(array):
    array = np.asarray(array, np.uint8)
    return (
        bytes((0, 0, 8, array.ndim))
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes()
    )


@pytest.fixture
def write_idx():
    """Write an array as an IDX file, gzipped if its name ends in .gz."""

    def write(path, array):
        content = idx_bytes(array)
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return path

    return write
