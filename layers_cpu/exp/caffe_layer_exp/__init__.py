"""Exp: y = base ^ (shift + scale * x)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case


class Exp(Layer):
    """Exponential function; ``base`` -1 stands for e."""

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"top"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Turn the base into e: y = e ^ (shift + scale * x) with other numbers."""
        param = self.param.exp_param
        if param.base != -1 and not 0 < param.base < math.inf:
            raise self.error(
                f"base must be positive, or -1 for e, got {param.base:g}; change exp_param.base"
            )
        log_base = 1.0 if param.base == -1 else math.log(param.base)
        self.scale = log_base * param.scale
        self.shift = log_base * param.shift


class ExpKernel(NeuronKernel):
    """Exp on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write the power."""
        exponent = self.affine(x, self.layer.scale, self.layer.shift, out=y)
        self.xp.exp(exponent, out=y)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times the power and the scale."""
        self.xp.multiply(dy, y, out=dx)
        if self.layer.scale != 1:
            dx *= self.layer.scale


CASES = [
    Case(),
    Case("exp_param { base: 2 scale: 3 shift: 1 }", bottom=[(3, 4)]),
    Case("exp_param { base: 0.5 }", bottom=[(3, 4)], note="falls"),
    Case("exp_param { scale: 0 shift: 2 }", bottom=[(5,)], note="constant"),
]
