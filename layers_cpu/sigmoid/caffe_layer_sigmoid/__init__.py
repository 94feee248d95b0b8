"""Sigmoid: y = 1 / (1 + e ^ -x)."""

from __future__ import annotations

from typing import Any

from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case, uniform


class Sigmoid(Layer):
    """Logistic function: squeezes values into 0 to 1."""

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"top"}))


class SigmoidKernel(NeuronKernel):
    """Sigmoid on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write the sigmoid."""
        sigmoid(x, out=y, xp=self.xp)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times y * (1 - y)."""
        slope = self.xp.subtract(1, y, out=self.workspace.like(y))
        slope *= y
        self.xp.multiply(dy, slope, out=dx)


def sigmoid(x: Any, out: Any, xp: Any) -> None:
    """Write the sigmoid of `x` to `out`, which may be `x`. By tanh, which does not overflow.

    Args:
        x: An array.
        out: An array like `x`.
        xp: The array module of both: NumPy or CuPy.
    """
    xp.multiply(x, 0.5, out=out)
    xp.tanh(out, out=out)
    out *= 0.5
    out += 0.5


CASES = [
    Case(),
    Case(bottom=[uniform((3, 40), -100, 100)], note="far from zero, where exp overflows"),
]
