"""The CUDA kernel of Exp."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class ExpKernel(CudaNeuronKernel):
    """Exp in one launch each way."""

    constants = ("scale", "shift")
    y = "exp(scale * x + shift)"
    dx = "dy * y * scale"
