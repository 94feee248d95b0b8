"""CudaDevice, with something that looks like CuPy."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from caffe_core import cuda
from caffe_core.cuda.device import CudaDevice
from caffe_core.cuda.source import Source
from caffe_core.errors import DeviceError, OutOfMemoryError

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
SOURCE = Source("fill.cu", "KERNEL fill(int n, Real* y) { FOR_EACH(i, n) y[i] = 1; }\n")


def load_fake():
    path = Path(__file__).with_name("fake_cupy.py")
    spec = importlib.util.spec_from_file_location("fake_cupy", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def fake(monkeypatch):
    module = load_fake()
    xp = module.make()
    monkeypatch.setattr(cuda, "cupy", lambda: xp)
    return module


@pytest.fixture
def gpu(fake):
    return CudaDevice(1)


def test_memory_that_is_missing_is_told_in_figures(gpu):
    with pytest.raises(OutOfMemoryError) as raised:
        gpu.zeros(1 << 20, FLOAT32)
    assert raised.value.size == 4 << 20
    assert str(raised.value) == (
        "cuda:1 has no memory for 4.0 MiB more: of 16.0 MiB, this process uses 12.0 MiB and "
        "3.0 MiB are free; use a smaller batch"
    )


def test_scratch_memory_that_is_missing_is_told_in_figures(gpu):
    with pytest.raises(OutOfMemoryError, match=r"no memory for 4\.0 MiB more"):
        gpu.scratch(4 << 20)
    assert gpu.scratch(100).nbytes == 100


def test_a_function_is_compiled_once_for_each_type(gpu, fake):
    fake.RawModule.made.clear()
    functions = [gpu.function(SOURCE, "fill", each) for each in (FLOAT32, FLOAT64, FLOAT32)]
    assert functions[0] is functions[2] is not functions[1]
    codes = [module.code for module in fake.RawModule.made]
    assert codes == [SOURCE.rendered(FLOAT32), SOURCE.rendered(FLOAT64)]


def test_launches_go_to_the_stream_of_the_device(gpu):
    y = gpu.zeros(1000, FLOAT32)
    with gpu.active():
        gpu.function(SOURCE, "fill", FLOAT32)(1000, y)
    name, grid, block, (n, array) = gpu.stream.log[-1]
    assert (name, grid, block, n) == ("fill", (4,), (256,), 1000)
    assert array is y


def test_a_loop_goes_round_where_there_are_too_few_blocks(gpu):
    with gpu.active():
        gpu.function(SOURCE, "fill", FLOAT32)(1 << 20, None)
    assert gpu.stream.log[-1][1] == (4 * 32,)


def test_what_does_not_compile_names_source_and_device(gpu):
    broken = Source("broken.cu", "KERNEL f(int n) { broken }")
    with pytest.raises(DeviceError, match=r"broken\.cu does not compile on cuda:1: broken"):
        gpu.function(broken, "f", FLOAT32)


def lacking(monkeypatch, gpu):
    """Let the GPU's CuPy miss a library."""
    monkeypatch.setattr(gpu.xp.cuda.runtime, "runtimeGetVersion", lambda: 12090, raising=False)

    def miss(*_):
        raise ImportError("libmissing.so.12: cannot open shared object file")

    return miss


LACKS = (
    r"CuPy does not find a library of CUDA 12: libmissing\.so\.12: cannot open shared object .*"
    r"Install the libraries with it: pip install 'cupy-cuda12x\[ctk\]'"
)


def test_a_compiler_that_is_not_installed_is_named(gpu, fake, monkeypatch):
    monkeypatch.setattr(fake.RawModule, "compile", lacking(monkeypatch, gpu))
    with pytest.raises(DeviceError, match=LACKS):
        gpu.function(Source("one.cu", "KERNEL f(int n) {}"), "f", FLOAT32)


def test_products_that_are_not_installed_are_named(gpu, fake, monkeypatch):
    cuda_module = type("Cuda", (), {"cublas": property(lacking(monkeypatch, gpu))})()
    cuda_module.__dict__.update(vars(gpu.xp.cuda))
    monkeypatch.setattr(gpu.xp, "cuda", cuda_module)
    a = matrices((2, 2), FLOAT32, False)
    with pytest.raises(DeviceError, match=LACKS):
        gpu.blas.gemm(a, a, a)


def test_host_memory_is_pinned_and_zero(gpu, monkeypatch):
    asked = []
    pinned = gpu.pinned
    monkeypatch.setattr(gpu, "pinned", lambda *each: asked.append(each) or pinned(*each))
    assert not gpu.host_zeros(5, FLOAT32).any()
    assert asked == [((5,), FLOAT32)]


def test_host_memory_is_pageable_where_no_more_can_be_pinned(gpu, monkeypatch):
    def refuse(*each):
        raise RuntimeError("cudaErrorMemoryAllocation: out of memory")

    monkeypatch.setattr(gpu, "pinned", refuse)
    assert gpu.host_zeros(5, FLOAT32).tolist() == [0] * 5


def test_a_host_array_may_be_written_to_when_it_has_been_uploaded(gpu):
    target = gpu.zeros(3, FLOAT32)
    gpu.upload(np.ones(3, np.float32), target)
    assert target.tolist() == [1, 1, 1]
    assert gpu.stream.log == ["set", "synchronize"]


def test_batches_are_sent_beside_the_work(gpu):
    host = gpu.pinned((5,), FLOAT32)
    host[...] = 7
    target = gpu.zeros(5, FLOAT32)
    made = gpu.mark()
    first = gpu.send([host], [target], after=made)
    np.testing.assert_array_equal(target, host)
    gpu.wait_for(first)
    taken = gpu.mark()
    gpu.send([host], [target], after=taken)
    assert gpu.stream.log == [("record", made), ("wait", first), ("record", taken)]
    before = [("wait", made), "copy", ("record", first), ("wait", taken)]
    assert gpu._sending.log[:4] == before
    assert not first.timed


def test_time_is_measured_on_the_device(gpu):
    moments = [gpu.moment() for _ in range(3)]
    assert gpu.milliseconds(moments[0], moments[2]) == 2
    assert all(moment.timed for moment in moments)


def matrices(shape, dtype, flip):
    """Matrices on the device, as they are or as the transposed view of others."""
    module = load_fake()
    stored = (*shape[:-2], *shape[:-3:-1]) if flip else shape
    array = np.random.default_rng(len(shape)).standard_normal(stored).astype(dtype)
    array = array.view(module.DeviceArray)
    return array.swapaxes(-1, -2) if flip else array


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64])
@pytest.mark.parametrize("flip_a", [False, True])
@pytest.mark.parametrize("flip_b", [False, True])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 4), (4, 5)),
        ((1, 4), (4, 5)),
        ((3, 1), (1, 5)),
        ((3, 4), (4, 1)),
        ((1, 1), (1, 1)),
        ((6, 3, 4), (6, 4, 5)),
        ((3, 4), (6, 4, 5)),
        ((6, 3, 4), (4, 5)),
        ((6, 1, 4), (6, 4, 1)),
    ],
)
def test_products(gpu, a, b, flip_a, flip_b, dtype):
    left, right = matrices(a, dtype, flip_a), matrices(b, dtype, flip_b)
    expected = np.asarray(left) @ np.asarray(right)
    out = np.full(expected.shape, np.nan, dtype).view(type(left))
    gpu.blas.gemm(left, right, out)
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)
    gpu.blas.gemm(left, right, out, add=True)
    np.testing.assert_allclose(out, 2 * expected, rtol=1e-5, atol=1e-6)


def test_parts_of_larger_arrays_are_multiplied_in_place(gpu):
    whole = matrices((8, 10), FLOAT32, False)
    left, right = whole[1:4, 2:6], whole[4:8, 1:6]
    out = matrices((5, 9), FLOAT32, False)
    before = np.array(out)
    gpu.blas.gemm(left, right, out[1:4, 2:7])
    expected = np.asarray(left) @ np.asarray(right)
    np.testing.assert_allclose(out[1:4, 2:7], expected, rtol=1e-5)
    out[1:4, 2:7] = before[1:4, 2:7]
    np.testing.assert_array_equal(out, before)


@pytest.mark.parametrize("part", [np.s_[:, ::2], np.s_[::-1], np.s_[:, ::-1]])
def test_what_cublas_cannot_read_is_refused(gpu, part):
    whole = matrices((4, 8), FLOAT32, False)
    with pytest.raises(ValueError, match="neither in rows nor in columns"):
        gpu.blas.gemm(whole[part], whole[part].T, matrices((4, 4), FLOAT32, False))


def test_a_row_that_is_repeated_is_refused(gpu):
    row = np.broadcast_to(matrices((8,), FLOAT32, False)[None], (4, 8))
    with pytest.raises(ValueError, match="neither in rows nor in columns"):
        gpu.blas.gemm(row, row.T, matrices((4, 4), FLOAT32, False))


def test_a_sum_of_nothing_is_zero(gpu):
    out = matrices((2, 3), FLOAT32, False)
    gpu.blas.gemm(matrices((2, 0), FLOAT32, False), matrices((0, 3), FLOAT32, False), out)
    assert not out.any()


def test_tf32_is_asked_for(fake, monkeypatch):
    monkeypatch.setenv("CAFFE_TF32", "1")
    gpu = CudaDevice(0)
    a = matrices((2, 2), FLOAT32, False)
    gpu.blas.gemm(a, a, matrices((2, 2), FLOAT32, False))
    assert gpu.xp.cuda.cublas.modes == [3]


def runtime(built, driver, devices):
    def device_count():
        if isinstance(devices, str):
            raise RuntimeError(devices)
        return devices

    class Runtime:
        runtimeGetVersion = staticmethod(lambda: built)
        driverGetVersion = staticmethod(lambda: driver)
        getDeviceCount = staticmethod(device_count)

    return Runtime


@pytest.mark.parametrize(
    ("built", "driver", "devices", "message"),
    [
        (12090, 0, "insufficient", "there is no NVIDIA driver. Install one, or choose the CPU"),
        (13000, 12040, "insufficient", "the driver is for CUDA 12.4, the CuPy wheel for CUDA 13. "
         "Install the wheel that fits: pip uninstall cupy-cuda13x; "
         "pip install 'cupy-cuda12x[ctk]'"),
        (12090, 12090, "no device", "the driver says: no device. Look at nvidia-smi and"),
        (12090, 13000, 0, "the driver shows no GPU. Look at nvidia-smi and CUDA_VISIBLE_DEVICES"),
    ],
)  # fmt: skip
def test_why_there_is_no_gpu(fake, monkeypatch, built, driver, devices, message):
    monkeypatch.setattr(cuda.cupy().cuda, "runtime", runtime(built, driver, devices))
    with pytest.raises(DeviceError) as raised:
        CudaDevice(0)
    assert message in str(raised.value)
    assert str(raised.value).startswith("cuda:0 does not exist: 0 CUDA devices were found; ")
