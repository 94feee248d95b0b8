"""Where the files are that BVLC Caffe wrote years ago. They are no part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("CAFFE_REAL", Path(__file__).parents[3] / "shared" / "real"))


@pytest.fixture(scope="session")
def real():
    """Return a folder of real files; without it the test is skipped."""

    def find(name):
        folder = FOLDER / name
        if not folder.is_dir():
            pytest.skip(f"{name} is not here; set CAFFE_REAL to the folder that holds it")
        return folder

    return find
