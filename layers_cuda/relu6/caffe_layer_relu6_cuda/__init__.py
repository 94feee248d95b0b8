"""The CUDA kernel of ReLU6."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class ReLU6Kernel(CudaNeuronKernel):
    """ReLU6 in one launch each way."""

    y = "x < 0 ? Real(0) : x > 6 ? Real(6) : x"
    dx = "0 < y && y < 6 ? dy : Real(0)"
