"""Where the files are that BVLC Caffe wrote years ago. They are no part of the repository."""

from __future__ import annotations

import importlib.util
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


@pytest.fixture(scope="session")
def example():
    """Return a function that imports the script of an example."""

    def load(name):
        path = Path(__file__).parents[2] / "examples" / name / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"example_{name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
