"""The CUDA kernel of ELU."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class ELUKernel(CudaNeuronKernel):
    """ELU in one launch each way."""

    constants = ("alpha",)
    y = "x > 0 ? x : alpha * expm1(x)"
    dx = "(alpha < 0 ? x : y) > 0 ? dy : dy * (alpha < 0 ? alpha * exp(x) : y + alpha)"
