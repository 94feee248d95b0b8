"""The CUDA kernel of ReLU."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class ReLUKernel(CudaNeuronKernel):
    """ReLU in one launch each way."""

    constants = ("negative_slope",)
    y = "x > 0 ? x : negative_slope * x"
    dx = "dy * ((negative_slope < 0 ? x : y) > 0 ? Real(1) : negative_slope)"
