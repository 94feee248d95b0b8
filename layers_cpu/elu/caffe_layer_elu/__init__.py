"""ELU: y = x where x > 0, alpha * (e ^ x - 1) elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case


class ELU(Layer):
    """Exponential linear unit; ``alpha`` 0 makes it ReLU. At 0 the gradient is ``alpha``.

    Source: Clevert et al., "Fast and accurate deep network learning by exponential linear units
    (ELUs)", 2015.
    """

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"top"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read ``alpha``. If it is negative, the top does not tell the sign of the bottom."""
        self.alpha = self.param.elu_param.alpha
        if self.alpha < 0:
            self.facts = replace(self.facts, backward_reads=frozenset({"bottom"}))


class ELUKernel(NeuronKernel):
    """ELU on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write the positive part plus the bent negative part."""
        xp, negative = self.xp, self.workspace.like(x)
        xp.minimum(x, 0, out=negative)
        xp.expm1(negative, out=negative)
        negative *= self.layer.alpha
        xp.maximum(x, 0, out=y)
        y += negative

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times 1 where x > 0, times alpha * e ^ x elsewhere.

        That is a product of two factors: 1 or alpha, and e ^ min(x, 0).
        """
        alpha, factor = self.layer.alpha, self.workspace.like(dy)
        if alpha != 1:
            self.xp.greater(x if alpha < 0 else y, 0, out=factor)
            factor *= 1 - alpha
            factor += alpha
            dy = self.xp.multiply(dy, factor, out=dx)
        if alpha != 0:
            self._power(x, y, out=factor)
            self.xp.multiply(dy, factor, out=dx)

    def _power(self, x: Any, y: Any, out: Any) -> None:
        """Write e ^ min(x, 0), by the top if that tells it."""
        alpha = self.layer.alpha
        self.xp.minimum(x if alpha < 0 else y, 0, out=out)
        if alpha < 0:
            self.xp.exp(out, out=out)
        else:
            out /= alpha
            out += 1


CASES = [
    Case(),
    Case("elu_param { alpha: 0.3 }", bottom=[(3, 7)]),
    Case("elu_param { alpha: 0 }", bottom=[(3, 7)], note="ReLU"),
    Case("elu_param { alpha: -0.5 }", bottom=[(3, 7)]),
]
