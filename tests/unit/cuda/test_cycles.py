"""Kernels for CUDA are freed, with their arrays, as soon as nobody uses them."""

from __future__ import annotations

import gc
import weakref

import pytest

from caffe_core.cuda.kernel import CudaKernel
from caffe_core.testing import contract
from caffe_core.testing.bench import Bench
from caffe_core.testing.emulation.compiler import compiler

pytestmark = pytest.mark.skipif(compiler() is None, reason="the emulated device needs g++")


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(
    "type_", ["ReLU", "Eltwise", "Concat", "Slice", "SPP", "Embed", "BatchReindex"]
)
def test_a_kernel_out_of_use_is_freed_without_the_garbage_collector(type_, no_collector):
    kernels = []
    for setting in contract.settings(type_, device="emulated"):
        bench = Bench(setting)
        bench.forward()
        if bench.has_backward:
            bench.backward()
        if isinstance(bench.kernel, CudaKernel):
            kernels.append(weakref.ref(bench.kernel))
        bench.close()
        del bench
    assert kernels
    assert [kernel() for kernel in kernels] == [None] * len(kernels)
