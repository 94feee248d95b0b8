"""The CUDA kernel of TanH."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class TanHKernel(CudaNeuronKernel):
    """TanH in one launch each way."""

    y = "tanh(x)"
    dx = "dy * (1 - y * y)"
