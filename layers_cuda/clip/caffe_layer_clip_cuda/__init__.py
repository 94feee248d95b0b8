"""The CUDA kernel of Clip."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class ClipKernel(CudaNeuronKernel):
    """Clip in one launch each way."""

    constants = ("min", "max")
    y = "x < min ? min : x > max ? (max < min ? min : max) : x"
    dx = "min <= x && x <= max ? dy : Real(0)"
