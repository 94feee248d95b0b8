"""HardSigmoid: y = alpha * x + beta, clipped to 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.proto.plugin_message import PluginMessage
from caffe_core.testing import Case, uniform


class HardSigmoid(Layer):
    """Sigmoid of three straight lines. The gradient is 0 where y is 0 or 1.

    The slope ``alpha`` is 0.2 unless given, and the value ``beta`` at 0 is 0.5, as in ONNX.

    Source: Courbariaux et al., "BinaryConnect", 2015.
    """

    hard_sigmoid_param = PluginMessage(alpha=0.2, beta=0.5)

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"top"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the line."""
        self.alpha, self.beta = self.hard_sigmoid_param.alpha, self.hard_sigmoid_param.beta


class HardSigmoidKernel(NeuronKernel):
    """HardSigmoid on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write the clipped line."""
        self.xp.clip(self.affine(x, self.layer.alpha, self.layer.beta, out=y), 0, 1, out=y)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times alpha where y is between 0 and 1, 0 elsewhere."""
        between = self.workspace.like(y, bool)
        self.xp.greater(y, 0, out=between)
        self.xp.multiply(dy, between, out=dx)
        self.xp.less(y, 1, out=between)
        dx *= between
        dx *= self.layer.alpha


CASES = [
    Case(bottom=[uniform((2, 3, 4, 5), -5, 5)]),
    Case("hard_sigmoid_param { alpha: 0.5 beta: 0 }", bottom=[(7,)], note="from 0 to 2"),
    Case("hard_sigmoid_param { alpha: -1 }", bottom=[(3, 4)], note="falling"),
]
