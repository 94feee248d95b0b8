from __future__ import annotations

import pytest

from caffe_core import cuda
from caffe_core.device import CPU, device
from caffe_core.errors import DeviceError


@pytest.fixture
def gpus(monkeypatch):
    """Two GPUs, as far as finding them goes."""
    monkeypatch.setattr(cuda, "device_count", lambda: 2)
    monkeypatch.setattr(cuda, "cupy", lambda: "cupy")
    device.cache_clear()
    yield
    device.cache_clear()


def test_the_cpu_is_one():
    assert device() is device("cpu") is CPU
    assert repr(CPU) == "cpu"


def test_a_gpu_has_one_device_whatever_it_is_called(gpus):
    assert device("cuda") is device("cuda:0") is device("cuda:00")
    assert device("cuda:1") is not device("cuda:0")
    assert repr(device("cuda:1")) == "cuda:1"


def test_a_gpu_that_does_not_exist_is_named(gpus):
    with pytest.raises(DeviceError, match="cuda:2 does not exist: 2 CUDA devices were found"):
        device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:-1", "cpu:1", ""])
def test_other_names_are_refused(name):
    with pytest.raises(DeviceError, match=f"device '{name}': expected 'cpu', 'cuda' or"):
        device(name)
