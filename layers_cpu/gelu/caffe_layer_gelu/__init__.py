"""GELU: y = x * P(X <= x), X being normal; by the approximation with tanh."""

from __future__ import annotations

import math
from typing import Any

from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case, uniform

_LINEAR = math.sqrt(2 / math.pi)
_CUBIC = 0.044715 * _LINEAR


class GELU(Layer):
    """Gaussian error linear unit: y = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ^ 3))).

    That is the paper's approximation, which BERT and GPT-2 use; it differs from the form with the
    error function by less than 0.0005.

    Source: Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016.
    """

    facts = Facts(elementwise=True, backward_reads=frozenset({"bottom"}))


class GELUKernel(NeuronKernel):
    """GELU on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write x / 2 * (1 + tanh(u)), u being the cubic in x."""
        self._tanh(x, out=y)
        y += 1
        y *= x
        y *= 0.5

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times (1 + t) / 2 * (1 + (1 - t) * x * u'), t being tanh(u)."""
        rest = self.workspace.like(x)
        self._tanh(x, out=rest)
        self.xp.subtract(1, rest, out=rest)
        self._cubic(x, 3 * _CUBIC, out=dx)
        dx *= rest
        dx += 1
        self.xp.subtract(2, rest, out=rest)
        rest *= 0.5
        dx *= rest
        dx *= dy

    def _tanh(self, x: Any, out: Any) -> None:
        self._cubic(x, _CUBIC, out)
        self.xp.tanh(out, out=out)

    def _cubic(self, x: Any, cubic: float, out: Any) -> None:
        """Write a cubic in x: u itself, or x * u'."""
        self.xp.square(x, out=out)
        out *= cubic
        out += _LINEAR
        out *= x


CASES = [
    Case(),
    Case(bottom=[uniform((3, 40), -50, 50)], note="far from zero"),
]
