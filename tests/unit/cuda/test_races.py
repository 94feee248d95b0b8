"""Kernels give the same results in whatever order threads, warps and blocks take their turns."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

from caffe_core import registry
from caffe_core.cuda.source import Source
from caffe_core.testing import contract
from caffe_core.testing.bench import RefusalError
from caffe_core.testing.checks.sameness import agrees_with_plain_kernel
from caffe_core.testing.emulation import EmulatedDevice, compiler
from caffe_core.testing.emulation.array import on_device

TYPES = sorted({name.partition(".")[0] for name in registry.kernels("cuda").names()})

RACES = Source(
    "races.cu",
    """
KERNEL no_barrier(int n, const Real* x, Real* y) {
    __shared__ Real all[64];
    all[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = all[threadIdx.x / 2];
}

KERNEL too_few_barriers(int n, const Real* x, Real* y) {
    __shared__ Real sums[2];
    for (int round = 0; round < 2; ++round) {
        Real sum = warp_sum(x[64 * round + threadIdx.x]);
        if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
        __syncthreads();
        y[64 * round + threadIdx.x] = sums[0] + sums[1];
    }
}

KERNEL other_blocks(int n, const Real* x, Real* y) {
    FOR_EACH_BLOCK(i, n) if (threadIdx.x == 0) y[i] = x[i] + (i ? y[i - 1] : 0);
}
""",
)


pytestmark = pytest.mark.skipif(compiler() is None, reason="needs g++")


@pytest.mark.parametrize("name", ["no_barrier", "too_few_barriers", "other_blocks"])
def test_a_race_shows(name):
    x, results = np.arange(128, dtype=np.float32), []
    for backwards in (True, False):
        y = np.zeros_like(x)
        device, count = EmulatedDevice(backwards=backwards), 3 if name == "other_blocks" else 1
        run = device.function(RACES, name, x.dtype)
        with device.active():
            run.blocks(count, on_device(x), on_device(y), threads=64)
        results.append(y)
    assert (results[0] != results[1]).any()


@pytest.mark.parametrize("type_name", TYPES)
def test_no_race_shows(type_name):
    if registry.layers[type_name].facts.host_only:
        pytest.skip("its work is the host's")
    for setting in contract.settings(type_name, device=EmulatedDevice(backwards=True)):
        with suppress(RefusalError):
            assert not contract.violations(setting, [agrees_with_plain_kernel])
