"""The CUDA kernel of Power."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class PowerKernel(CudaNeuronKernel):
    """Power in one launch each way; squares and roots, the usual powers, without ``pow``."""

    constants = ("power", "scale", "shift")
    functions = """
        __device__ inline Real raised(Real base, Real power) {
            return power == 1 ? base
                 : power == 2 ? base * base
                 : power == Real(0.5) ? sqrt(base)
                 : pow(base, power);
        }
    """
    y = "raised(scale == 0 ? shift : scale * x + shift, power)"
    dx = """dy * (scale * power) * (
        power == 0 || power == 1 || scale == 0 ? Real(1)
        : power < 1 ? y / (scale * x + shift)
        : raised(scale * x + shift, power - 1))"""
