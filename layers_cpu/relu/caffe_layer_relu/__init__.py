"""ReLU: y = max(x, 0) + negative_slope * min(x, 0)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case


class ReLU(Layer):
    """Rectified linear unit, leaky if ``negative_slope`` is not 0.

    At 0 the gradient is that of the negative side, as in Caffe.

    Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.
    """

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"top"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the slope. If it is negative, the top does not tell the sign of the bottom."""
        self.negative_slope = self.param.relu_param.negative_slope
        if self.negative_slope < 0:
            reads = frozenset({"bottom"})
            self.facts = Facts(elementwise=True, inplace=True, backward_reads=reads)


class ReLUKernel(NeuronKernel):
    """ReLU on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write the top."""
        slope = self.layer.negative_slope
        if slope == 0:
            self.xp.maximum(x, 0, out=y)
            return
        negative = self.workspace.like(x)
        self.xp.minimum(x, 0, out=negative)
        negative *= slope
        self.xp.maximum(x, 0, out=y)
        y += negative

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the bottom's diff."""
        slope = self.layer.negative_slope
        sign = y if slope >= 0 else x
        if slope == 0:
            positive = self.xp.greater(sign, 0, out=self.workspace.like(sign, bool))
            self.xp.multiply(dy, positive, out=dx)
            return
        # A comparison times a number is several times faster than a masked operation.
        factor = self.workspace.like(sign)
        self.xp.greater(sign, 0, out=factor)
        factor *= 1 - slope
        factor += slope
        self.xp.multiply(dy, factor, out=dx)


CASES = [
    Case(bottom=[(2, 3, 4, 5)]),
    Case("relu_param { negative_slope: 0.1 }", bottom=[(7,)], note="leaky"),
    Case("relu_param { negative_slope: -0.5 }", bottom=[(2, 3)]),
]
