"""The CUDA kernel of AbsVal."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class AbsValKernel(CudaNeuronKernel):
    """AbsVal in one launch each way."""

    y = "fabs(x)"
    dx = "dy * Real((x > 0) - (x < 0))"
