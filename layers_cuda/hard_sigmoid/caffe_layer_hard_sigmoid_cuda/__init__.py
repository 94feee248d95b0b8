"""The CUDA kernel of HardSigmoid."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class HardSigmoidKernel(CudaNeuronKernel):
    """HardSigmoid in one launch each way."""

    constants = ("alpha", "beta")
    functions = """
        __device__ inline Real clipped(Real y) { return y < 0 ? Real(0) : y > 1 ? Real(1) : y; }
    """
    y = "clipped(alpha * x + beta)"
    dx = "0 < y && y < 1 ? dy * alpha : Real(0)"
