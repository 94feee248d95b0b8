"""The CUDA kernel of Threshold."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class ThresholdKernel(CudaNeuronKernel):
    """Threshold in one launch each way."""

    constants = ("threshold",)
    y = "x > threshold ? Real(1) : Real(0)"
    dx = "Real(0)"
