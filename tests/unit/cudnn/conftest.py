"""What the tests of the engine share: cuDNN, interpreted by NumPy, on the emulated device."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from caffe_engine_cudnn.library import libraries

from caffe_core.device import device
from caffe_core.testing.emulation import compiler


def _load(name):
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"cudnn_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


interpreter = _load("interpreter")


@pytest.fixture
def library(monkeypatch):
    """CuDNN on the emulated device."""
    if compiler() is None:
        pytest.skip("needs g++")
    found = interpreter.InterpretedLibrary(device("emulated"))
    monkeypatch.setitem(libraries, found.device, found)
    return found
