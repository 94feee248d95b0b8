"""Swish: y = x * sigmoid(beta * x)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_layer_sigmoid import sigmoid

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case


class Swish(Layer):
    """Smooth activation between x / 2 (``beta`` 0) and ReLU (``beta`` large); SiLU at ``beta`` 1.

    Source: Ramachandran et al., "Searching for activation functions", 2017.
    """

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"top"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read ``beta``."""
        self.beta = self.param.swish_param.beta


class SwishKernel(NeuronKernel):
    """Swish on arrays. The sigmoid is kept for backward, as in Caffe: so it needs no x."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the sigmoid."""
        super().prepare(bottom, top)
        self.gate = self.xp.empty_like(bottom[0].data) if self.need_backward else None

    def activate(self, x: Any, y: Any) -> None:
        """Write x times its sigmoid."""
        gate = self.workspace.like(x) if self.gate is None else self.gate
        sigmoid(self.affine(x, self.layer.beta, 0, out=gate), out=gate, xp=self.xp)
        self.xp.multiply(x, gate, out=y)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times sigmoid + beta * y * (1 - sigmoid)."""
        slope = self.xp.subtract(1, self.gate, out=self.workspace.like(y))
        slope *= y
        if self.layer.beta != 1:
            slope *= self.layer.beta
        slope += self.gate
        self.xp.multiply(dy, slope, out=dx)


CASES = [
    Case(),
    Case("swish_param { beta: 2.5 }", bottom=[(3, 7)]),
    Case("swish_param { beta: -0.5 }", bottom=[(3, 7)]),
    Case("swish_param { beta: 0 }", bottom=[(5,)], note="half of x"),
]
