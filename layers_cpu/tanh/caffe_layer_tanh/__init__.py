"""TanH: y = tanh(x)."""

from __future__ import annotations

from typing import Any

from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case


class TanH(Layer):
    """Hyperbolic tangent: squeezes values into -1 to 1."""

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"top"}))


class TanHKernel(NeuronKernel):
    """TanH on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write the tangent."""
        self.xp.tanh(x, out=y)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times 1 - y * y."""
        slope = self.xp.square(y, out=self.workspace.like(y))
        self.xp.subtract(1, slope, out=slope)
        self.xp.multiply(dy, slope, out=dx)


CASES = [
    Case(),
    Case(bottom=[(7,)]),
]
