"""Finding cuDNN, and saying what is wrong where it is not found."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from caffe_engine_cudnn import library as found
from caffe_engine_cudnn.library import CudnnError, Library, frontend, library_of

from caffe_core.device import device
from caffe_core.net import Net

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 3 dim: 3 } } }
layer { name: "c" type: "Convolution" bottom: "x" top: "c"
  convolution_param { num_output: 2 kernel_size: 1 } }
"""


class Fake:
    """A GPU and a frontend."""

    def __init__(self):
        self.device = SimpleNamespace(active=nullcontext, stream=SimpleNamespace(ptr=7))
        self.calls = []

    def backend_version(self):
        return 90000

    def create_handle(self):
        return "handle"

    def set_stream(self, handle, stream):
        self.calls.append((handle, stream))


@pytest.fixture
def fake(monkeypatch):
    frontend.cache_clear()
    made = Fake()
    monkeypatch.setitem(sys.modules, "cudnn", made)
    yield made
    frontend.cache_clear()


def test_a_library_works_in_the_stream_of_its_device(fake):
    library = Library(fake.device)
    assert fake.calls == [("handle", 7)]
    assert library.measures
    assert not library.tf32
    array = SimpleNamespace(data=SimpleNamespace(ptr=4096))
    assert library.address(array) == 4096


@pytest.mark.parametrize(
    ("variable", "value", "attribute"),
    [("CAFFE_TF32", "1", "tf32"), ("CAFFE_CUDNN_MEASURE", "0", "measures")],
)
def test_the_environment_chooses(fake, monkeypatch, variable, value, attribute):
    before = getattr(Library(fake.device), attribute)
    monkeypatch.setenv(variable, value)
    assert getattr(Library(fake.device), attribute) is not before


def test_a_frontend_that_is_not_installed_is_named(fake, monkeypatch):
    monkeypatch.setitem(sys.modules, "cudnn", None)
    with pytest.raises(CudnnError, match=r"does not import .*pip install 'caffe-engine-cudnn\["):
        Library(fake.device)


def test_a_frontend_without_cudnn_is_told_from_that(fake):
    fake.backend_version = lambda: (_ for _ in ()).throw(RuntimeError("no cudnnGetVersion"))
    with pytest.raises(CudnnError, match=r"not found \(no cudnnGetVersion\): .*nvidia-cudnn-cu12"):
        Library(fake.device)


def test_a_gpu_on_which_it_does_not_start_is_named(fake):
    fake.create_handle = lambda: (_ for _ in ()).throw(RuntimeError("no memory"))
    with pytest.raises(CudnnError, match=r"does not start on .*: no memory"):
        Library(fake.device)


def test_there_is_one_library_for_each_device(fake, monkeypatch):
    monkeypatch.setattr(found, "libraries", {})
    key = device("cpu")
    monkeypatch.setitem(found.libraries, key, "one")
    assert library_of(key) == "one"


def test_where_there_is_no_gpu_the_other_kernel_serves(emulated):
    net = Net(NET, device="emulated")
    node = next(node for node in net.nodes if node.name == "c")
    assert node.engine == "caffe"
    assert node.refusals == ["cudnn refuses: cuDNN runs on a GPU, not on emulated"]


def test_without_the_frontend_a_gpu_runs_caffe_s_kernels_and_the_plan_says_why(
    fake, emulated, monkeypatch
):
    monkeypatch.setitem(sys.modules, "cudnn", None)
    monkeypatch.setattr(found, "libraries", {})
    monkeypatch.setattr(type(emulated), "stream", fake.device.stream, raising=False)
    after = (
        'layer { name: "n" type: "BatchNorm" bottom: "c" top: "n" } '
        'layer { name: "p" type: "Pooling" bottom: "n" top: "p" pooling_param { kernel_size: 3 } } '
        'layer { name: "s" type: "Softmax" bottom: "p" top: "s" }'
    )
    net = Net(NET + after, device="emulated")
    for node in net.nodes:
        if node.name in "cnps":
            assert node.engine == "caffe"
            (refusal,) = node.refusals
            assert "pip install 'caffe-engine-cudnn[frontend]'" in refusal
