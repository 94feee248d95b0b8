"""AbsVal: y = |x|."""

from __future__ import annotations

from typing import Any

from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case


class AbsVal(Layer):
    """Absolute value. At 0 the gradient is 0. Like Caffe's, it refuses to run in place."""

    facts = Facts(elementwise=True, backward_reads=frozenset({"bottom"}))


class AbsValKernel(NeuronKernel):
    """AbsVal on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write the magnitude."""
        self.xp.absolute(x, out=y)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times the sign."""
        sign = self.xp.sign(x, out=self.workspace.like(x))
        self.xp.multiply(dy, sign, out=dx)


CASES = [
    Case(),
    Case(bottom=[(7,)]),
]
