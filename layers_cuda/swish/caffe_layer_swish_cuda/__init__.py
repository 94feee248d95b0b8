"""The CUDA kernel of Swish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_layer_swish import Swish

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.source import elementwise
from caffe_core.neuron import NeuronKernel


class SwishKernel(NeuronKernel, CudaKernel):
    """Swish in one launch each way. The sigmoid is kept for backward, as in Caffe."""

    source = elementwise(
        "swish",
        forward=(
            "const Real* x, Real* y, Real* gates, Real beta",
            "Real gate = 1 / (1 + exp(-beta * x[i])); y[i] = x[i] * gate; "
            "if (gates) gates[i] = gate;",
        ),
        backward=(
            "const Real* y, const Real* gates, const Real* dy, Real* dx, Real beta",
            "dx[i] = dy[i] * (gates[i] + beta * y[i] * (1 - gates[i]));",
        ),
    )
    layer: Swish

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the sigmoid."""
        super().prepare(bottom, top)
        size = bottom[0].count
        self.gates = self.xp.empty(size, self.layer.dtype) if self.need_backward else None

    def activate(self, x: Any, y: Any) -> None:
        """Write x times its sigmoid."""
        self.function("forward")(x.size, x, y, self.gates, self.layer.beta)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times sigmoid + beta * y * (1 - sigmoid)."""
        self.function("backward")(y.size, y, self.gates, dy, dx, self.layer.beta)
