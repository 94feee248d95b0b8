"""The CUDA kernel of Sigmoid."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class SigmoidKernel(CudaNeuronKernel):
    """Sigmoid in one launch each way."""

    y = "1 / (1 + exp(-x))"
    dx = "dy * y * (1 - y)"
