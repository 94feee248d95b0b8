"""Calls of cuDNN's C functions."""

from __future__ import annotations

import gc
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from caffe_engine_cudnn.graph import Layout
from caffe_engine_cudnn.library import CudnnError, Library
from caffe_engine_cudnn.native import ONE, ZERO, Native

from caffe_core.blob import CHANNELS_LAST, CONTIGUOUS


@pytest.fixture
def native(library):
    return Native(library)


def test_descriptors_say_how_arrays_lie_and_go_when_nobody_needs_them(library, native):
    tensor = native.tensor(Layout.dense((2, 3, 4, 5), CHANNELS_LAST))
    windows = native.pooling(1, (3, 2), (1, 0), (2, 1))
    tensors, geometry = library.functions.described.values()
    assert tensors == ((2, 3, 4, 5), (60, 1, 15, 3))
    assert (geometry.kernel, geometry.pad, geometry.stride) == ((3, 2), (1, 0), (2, 1))
    del tensor, windows
    gc.collect()
    assert not library.functions.described


def test_a_computation_that_fails_is_named_with_cudnn_s_word(library, native):
    library.functions.unsupported.add("cudnnSoftmaxForward")
    tensor = native.tensor(Layout.dense((2, 3, 1, 1), CONTIGUOUS))
    x, y = np.zeros((2, 6), np.float32)
    with pytest.raises(CudnnError, match="cudnnSoftmaxForward gives CUDNN_STATUS_NOT_SUPPORTED"):
        native.compute("cudnnSoftmaxForward", 1, 1, ONE, tensor, x, ZERO, tensor, y)


def test_a_function_that_a_later_cudnn_has_no_more_is_named(library, native):
    library.functions = SimpleNamespace()
    with pytest.raises(CudnnError, match="this cuDNN has no cudnnCreatePoolingDescriptor"):
        native.pooling(1, (2, 2), (0, 0), (2, 2))


def test_the_library_is_the_one_of_the_frontend_s_version(monkeypatch):
    opened = []

    def load(name):
        opened.append(name)
        return SimpleNamespace(cudnnGetErrorString=SimpleNamespace())

    monkeypatch.setattr("ctypes.CDLL", load)
    library = SimpleNamespace(module=SimpleNamespace(backend_version=lambda: 92800))
    Library.functions.func(library)
    assert opened == ["cudnn64_9.dll" if sys.platform == "win32" else "libcudnn.so.9"]


def test_a_library_that_is_not_found_is_an_error_of_its_own():
    library = SimpleNamespace(module=SimpleNamespace(backend_version=lambda: 7770000))
    with pytest.raises(CudnnError, match=r"C functions are not found .*: name the folder of "):
        Library.functions.func(library)
