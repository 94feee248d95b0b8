from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest

from caffe_core import cuda

PROPERTIES = {
    "name": b"NVIDIA H200",
    "major": 9,
    "minor": 0,
    "totalGlobalMem": 150109880320,
    "sharedMemPerBlock": 49152,
    "regsPerBlock": 65536,
    "warpSize": 32,
    "memPitch": 2147483647,
    "maxThreadsPerBlock": 1024,
    "maxThreadsDim": (1024, 1024, 64),
    "maxGridSize": (2147483647, 65535, 65535),
    "totalConstMem": 65536,
    "textureAlignment": 512,
    "multiProcessorCount": 132,
}
ATTRIBUTES = {13: 1980000, 15: 1, 17: 0}  # CUDA 13 does not count them among the properties


@pytest.fixture
def two_gpus(monkeypatch):
    """CuPy as it is on a machine with two GPUs."""
    runtime = SimpleNamespace(
        getDeviceCount=lambda: 2,
        getDeviceProperties=lambda index: PROPERTIES,
        deviceGetAttribute=lambda key, index: ATTRIBUTES[key],
    )
    module = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime))
    monkeypatch.setattr(cuda, "cupy", lambda: module)
    from caffe_core.device import device

    device.cache_clear()
    yield
    device.cache_clear()


def test_the_figures_of_a_gpu(caffe, two_gpus):
    result = caffe("device_query", "-gpu", "1")
    assert result.status == 0
    assert result.messages[:8] == [
        "Querying GPUs 1",
        "Device id:                     1",
        "Major revision number:         9",
        "Minor revision number:         0",
        "Name:                          NVIDIA H200",
        "Total global memory:           150109880320",
        "Total shared memory per block: 49152",
        "Total registers per block:     65536",
    ]
    assert "Maximum dimension of block:    1024, 1024, 64" in result.messages
    assert "Concurrent copy and execution: Yes" in result.messages
    assert "Kernel execution timeout:      No" in result.messages


def test_all_gpus(caffe, two_gpus):
    ids = re.findall(r"Device id: +(\d+)", caffe("device_query", "-gpu", "all").log)
    assert ids == ["0", "1"]


def test_a_gpu_that_does_not_exist(caffe, two_gpus):
    result = caffe("device_query", "-gpu", "2")
    assert result.status == 1
    assert result.messages[-1].startswith("cuda:2 does not exist: 2 CUDA devices were found.")


def test_all_gpus_of_a_machine_without_a_driver(caffe, monkeypatch):
    runtime = SimpleNamespace(
        getDeviceCount=lambda: 0, runtimeGetVersion=lambda: 13000, driverGetVersion=lambda: 0
    )
    module = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime))
    monkeypatch.setattr(cuda, "cupy", lambda: module)
    result = caffe("device_query", "-gpu", "all")
    assert result.status == 1
    assert result.messages[-1] == (
        "-gpu all: no CUDA device was found; there is no NVIDIA driver. Install one, or choose the "
        "CPU. Leave -gpu out to use the CPU"
    )


def test_without_a_flag_the_gpus_are_counted(caffe, two_gpus):
    result = caffe("device_query")
    assert result.messages[0] == "2 GPUs can be used; `-gpu all` shows their figures"


def test_without_cupy_it_says_what_to_install(caffe, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    cuda.cupy.cache_clear()
    result = caffe("device_query")
    assert result.status == 0
    assert result.messages[0].startswith("No GPU can be used: a CUDA device needs CuPy")
    assert "pip install 'cupy-cuda12x[ctk]'" in result.messages[0]


def test_the_cpu(caffe):
    log = caffe("device_query").log
    assert re.search(r"\] CPU: +\S", log)
    assert re.search(r"\] Cores: +[1-9]\d*", log)
    assert re.search(r"\] BLAS: +\S+ \S+ \(NumPy 2\.", log)


def test_the_threads_of_blas(caffe, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert (
        "BLAS threads:                  3 (OPENBLAS_NUM_THREADS)" in caffe("device_query").messages
    )
