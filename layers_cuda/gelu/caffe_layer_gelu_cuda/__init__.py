"""The CUDA kernel of GELU."""

from __future__ import annotations

from caffe_core.cuda.neuron import CudaNeuronKernel


class GELUKernel(CudaNeuronKernel):
    """GELU in one launch each way: x times the sigmoid of 2 u, u being the cubic in x."""

    functions = """
        const Real LINEAR = 1.5957691216057308;  // 2 sqrt(2 / pi)
        const Real CUBIC = 0.07135481627260025;  // times 0.044715

        __device__ inline Real gate(Real x) {
            return 1 / (1 + exp(-x * (LINEAR + CUBIC * x * x)));
        }

        __device__ inline Real slope(Real x) {
            Real open = gate(x);
            return open + x * open * (1 - open) * (LINEAR + 3 * CUBIC * x * x);
        }
    """
    y = "x * gate(x)"
    dx = "dy * slope(x)"
