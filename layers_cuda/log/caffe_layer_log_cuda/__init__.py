"""The CUDA kernel of Log."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class LogKernel(CudaNeuronKernel):
    """Log in one launch each way."""

    constants = ("unit", "scale", "shift")
    y = "unit * log(scale * x + shift)"
    dx = "dy * (unit * scale) / (scale * x + shift)"
