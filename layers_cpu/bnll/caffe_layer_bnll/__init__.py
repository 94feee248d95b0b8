"""BNLL: y = log(1 + e ^ x)."""

from __future__ import annotations

from typing import Any

from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case, uniform


class BNLL(Layer):
    """Binomial normal log likelihood, also known as softplus: a smooth ReLU."""

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"top"}))


class BNLLKernel(NeuronKernel):
    """BNLL on arrays, without overflow for any x."""

    def activate(self, x: Any, y: Any) -> None:
        """Write max(x, 0) + log(1 + e ^ -|x|)."""
        xp, rest = self.xp, self.workspace.like(x)
        xp.absolute(x, out=rest)
        xp.negative(rest, out=rest)
        xp.exp(rest, out=rest)
        xp.log1p(rest, out=rest)
        xp.maximum(x, 0, out=y)
        y += rest

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times 1 - e ^ -y, which is e ^ x / (1 + e ^ x)."""
        xp, slope = self.xp, self.workspace.like(y)
        xp.negative(y, out=slope)
        xp.expm1(slope, out=slope)
        xp.multiply(dy, slope, out=dx)
        xp.negative(dx, out=dx)


CASES = [
    Case(),
    Case(bottom=[uniform((3, 40), -100, 100)], note="far from zero, where exp overflows"),
]
