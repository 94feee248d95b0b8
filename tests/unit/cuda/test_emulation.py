"""The stand-in for a GPU does what CUDA says, and refuses what a GPU would not survive."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.cuda.source import Source
from caffe_core.errors import DeviceError
from caffe_core.testing import contract
from caffe_core.testing.emulation.array import on_device

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)

SOURCE = Source(
    "emulation.cu",
    """
KERNEL places(int n, int* y) {
    FOR_EACH(i, n) y[i] = 1000 * blockIdx.x + threadIdx.x;
}

KERNEL reversed(int n, const Real* x, Real* y) {
    __shared__ Real all[256];
    all[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = all[n - 1 - threadIdx.x];
}

KERNEL sums(int n, const Real* x, Real* y, int length) {
    FOR_EACH_BLOCK(row, n) {
        Real sum = 0;
        FOR_EACH_THREAD(i, length) sum += x[row * length + i];
        sum = block_sum(sum);
        Real own = threadIdx.x < length ? x[row * length + threadIdx.x] : -infinity();
        Real greatest = block_max(own);
        if (threadIdx.x == blockDim.x - 1) {
            y[2 * row] = sum;
            y[2 * row + 1] = greatest;
        }
    }
}

KERNEL warp_sums(int n, const Real* x, Real* y, int length) {
    FOR_EACH_WARP(row, n) {
        Real sum = 0;
        FOR_EACH_LANE(i, length) sum += x[row * length + i];
        sum = warp_sum(sum);
        if (threadIdx.x % 32 == 0) y[row] = sum;
    }
}

KERNEL neighbours(int n, const int* x, int* down, int* up, int* other) {
    int value = x[threadIdx.x];
    down[threadIdx.x] = __shfl_down_sync(0xffffffffu, value, 1);
    up[threadIdx.x] = __shfl_up_sync(0xffffffffu, value, 1);
    other[threadIdx.x] = __shfl_sync(0xffffffffu, value, 5);
}

KERNEL counted(int n, int* y) { FOR_EACH(i, n) atomicAdd(y, 1); }

KERNEL stuck(int n) { if (threadIdx.x % 32 < 16) __syncthreads(); else __syncwarp(); }
""",
)


@pytest.fixture
def emulated(emulated):
    with emulated.active():
        yield emulated


def function(device, name, dtype=FLOAT32):
    return device.function(SOURCE, name, dtype)


def test_each_number_has_its_thread(emulated):
    y = np.zeros(600, np.int32)
    function(emulated, "places")(600, on_device(y))
    np.testing.assert_array_equal(y, [1000 * (i // 256) + i % 256 for i in range(600)])


def test_a_barrier_waits_for_the_whole_block(emulated):
    x, y = np.arange(256, dtype=np.float64), np.zeros(256)
    function(emulated, "reversed", FLOAT64).blocks(256, on_device(x), on_device(y), threads=256)
    np.testing.assert_array_equal(y, x[::-1])


@pytest.mark.parametrize("threads", [32, 96, 256, 1024])
def test_sums_and_maxima_of_blocks(emulated, threads):
    x = np.random.default_rng(0).integers(-9, 9, (20, 300)).astype(np.float32)
    y = np.zeros((20, 2), np.float32)
    function(emulated, "sums").blocks(20, on_device(x), on_device(y), 300, threads=threads)
    np.testing.assert_array_equal(y[:, 0], x.sum(axis=1))
    np.testing.assert_array_equal(y[:, 1], x[:, :threads].max(axis=1))


def test_sums_of_warps(emulated):
    x = np.random.default_rng(0).integers(-9, 9, (100, 45)).astype(np.float32)
    y = np.zeros(100, np.float32)
    function(emulated, "warp_sums").warps(100, on_device(x), on_device(y), 45)
    np.testing.assert_array_equal(y, x.sum(axis=1))


def test_shuffles_stay_within_a_warp(emulated):
    x = np.arange(64, dtype=np.int32)
    down, up, other = (np.zeros(64, np.int32) for _ in range(3))
    arrays = map(on_device, (x, down, up, other))
    function(emulated, "neighbours").blocks(1, *arrays, threads=64)
    np.testing.assert_array_equal(down, [*range(1, 32), 31, *range(33, 64), 63])
    np.testing.assert_array_equal(up, [0, *range(31), 32, *range(32, 63)])
    np.testing.assert_array_equal(other, [5] * 32 + [37] * 32)


def test_atomics_count(emulated):
    y = np.zeros(1, np.int32)
    function(emulated, "counted")(1000, on_device(y))
    assert y[0] == 1000


def test_threads_that_wait_for_ever_are_an_error(emulated):
    for _ in range(3):
        with pytest.raises(DeviceError, match="some threads wait for others that"):
            function(emulated, "stuck").blocks(1)
    y = np.zeros(1, np.int32)
    function(emulated, "counted")(1000, on_device(y))
    assert y[0] == 1000


def test_the_wrong_type_is_named(emulated):
    with pytest.raises(
        DeviceError, match=r"places of emulation\.cu: y is an array of int32 on the device, got f"
    ):
        function(emulated, "places")(3, on_device(np.zeros(3, np.float32)))


def test_an_array_of_the_host_is_refused(emulated):
    with pytest.raises(DeviceError, match="y is an array of int32 on the device, got one of the h"):
        function(emulated, "places")(3, np.zeros(3, np.int32))


def test_an_array_with_gaps_is_refused(emulated):
    with pytest.raises(DeviceError, match="y has gaps between its elements"):
        function(emulated, "places")(3, on_device(np.zeros(6, np.int32)[::2]))


def test_an_array_in_another_order_of_axes_has_no_gaps(emulated):
    y = np.zeros((2, 3, 4), np.int32).transpose(2, 0, 1)
    function(emulated, "places")(24, on_device(y))
    assert y.transpose(1, 2, 0).ravel().tolist() == list(range(24))


def test_what_is_not_cuda_c_is_told_with_its_line(emulated):
    broken = Source("broken.cu", "KERNEL f(int n, Real* y) {\n    y[0] = nothing;\n}\n")
    with pytest.raises(DeviceError, match=r"broken.cu:2:\d+: error: .nothing. was not declared"):
        emulated.function(broken, "f", FLOAT32)


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64])
def test_random_numbers_are_uniform_and_repeat(emulated, dtype):
    code = "KERNEL draw(int n, Real* y, unsigned long long key) {\n"
    source = Source("draw.cu", code + "    FOR_EACH(i, n) y[i] = random_uniform(key, i);\n}\n")
    first, again, other = (np.zeros(20000, dtype) for _ in range(3))
    for y, key in ((first, 7), (again, 7), (other, 8)):
        emulated.function(source, "draw", dtype)(20000, on_device(y), key)
    np.testing.assert_array_equal(first, again)
    assert 0 <= first.min() < 1e-3 < 0.999 < first.max() < 1
    assert abs(first.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.03
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.03


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64])
def test_normal_random_numbers_are_normal(emulated, dtype):
    code = "KERNEL draw(int n, Real* y, unsigned long long key) {\n"
    source = Source("normal.cu", code + "    FOR_EACH(i, n) y[i] = random_normal(key, i);\n}\n")
    y = np.zeros(40000, dtype)
    emulated.function(source, "draw", dtype)(40000, on_device(y), 7)
    # What lies below each of these quantiles of the normal distribution.
    for quantile, share in ((-2, 0.02275), (-1, 0.15866), (0, 0.5), (1, 0.84134), (2, 0.97725)):
        assert np.mean(y < quantile) == pytest.approx(share, abs=0.008)
    assert 3.5 < abs(y).max() < 6
    assert abs(np.corrcoef(y[1:], y[:-1])[0, 1]) < 0.02


def test_philox_is_philox(emulated):
    """The known answers of the paper's authors for counter and key 0."""
    code = "KERNEL bits(int n, unsigned long long* y) {\n"
    source = Source("bits.cu", code + "    FOR_EACH(i, n) y[i] = random_bits(0, 0);\n}\n")
    y = np.zeros(1, np.uint64)
    emulated.function(source, "bits", FLOAT32)(1, on_device(y))
    assert hex(y[0]) == "0xe169c58d6627e8d5"


def test_the_contract_finds_a_wrong_kernel(emulated):
    from caffe_layer_relu_cuda import ReLUKernel

    class Wrong(ReLUKernel):
        dx = "dy * (y >= Real(0.5) ? Real(1) : negative_slope)"

    with pytest.raises(contract.ContractError, match="backward_is_the_derivative"):
        contract.verify("ReLU", kernels=[Wrong], device=emulated)
