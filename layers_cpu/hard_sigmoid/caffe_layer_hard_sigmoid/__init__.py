"""HardSigmoid: y = 0.2 * x + 0.5, clipped to 0 and 1."""

from __future__ import annotations

from typing import Any

from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case, uniform

_SLOPE, _MIDDLE = 0.2, 0.5  # as in Theano, Keras and ONNX


class HardSigmoid(Layer):
    """Sigmoid of three straight lines. The gradient is 0 where y is 0 or 1.

    Source: Courbariaux et al., "BinaryConnect", 2015; with the slope of ONNX.
    """

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"top"}))


class HardSigmoidKernel(NeuronKernel):
    """HardSigmoid on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write the clipped line."""
        self.xp.clip(self.affine(x, _SLOPE, _MIDDLE, out=y), 0, 1, out=y)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times the slope where y is between 0 and 1, 0 elsewhere."""
        between = self.workspace.like(y, bool)
        self.xp.greater(y, 0, out=between)
        self.xp.multiply(dy, between, out=dx)
        self.xp.less(y, 1, out=between)
        dx *= between
        dx *= _SLOPE


CASES = [
    Case(bottom=[uniform((2, 3, 4, 5), -5, 5)]),
    Case(bottom=[(7,)]),
]
