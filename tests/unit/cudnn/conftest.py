"""What the tests of the engine share: cuDNN, interpreted by NumPy, on the emulated device."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from caffe_engine_cudnn.library import CudnnError, libraries, library_of

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
c_functions = _load("c_functions")


@pytest.fixture
def emulated():
    """A CUDA device that runs on the CPU."""
    if compiler() is None:
        pytest.skip("needs g++")
    return device("emulated")


@pytest.fixture
def library(emulated, monkeypatch):
    """CuDNN on the emulated device."""
    found = interpreter.InterpretedLibrary(emulated)
    found.functions = c_functions.Functions(found.module.ran)
    monkeypatch.setitem(libraries, found.device, found)
    return found


@pytest.fixture(params=["interpreted", pytest.param("cuda", marks=pytest.mark.cuda)])
def place(request, monkeypatch):
    """A device with cuDNN: the emulated one, or a GPU, where no kernel is refused as too slow."""
    if request.param == "interpreted":
        return request.getfixturevalue("library").device
    gpu = device("cuda")
    try:
        monkeypatch.setattr(library_of(gpu), "measures", False)
    except CudnnError as error:
        pytest.skip(str(error))
    return gpu


@pytest.fixture(name="interpreter")
def interpreter_module():
    """The module that stands in for cuDNN's frontend."""
    return interpreter
