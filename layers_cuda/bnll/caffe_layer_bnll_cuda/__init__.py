"""The CUDA kernel of BNLL."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class BNLLKernel(CudaNeuronKernel):
    """BNLL in one launch each way."""

    y = "(x > 0 ? x : Real(0)) + log1p(exp(-fabs(x)))"
    dx = "-dy * expm1(-y)"
