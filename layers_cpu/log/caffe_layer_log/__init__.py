"""Log: y = log(shift + scale * x), to any base."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case, uniform


class Log(Layer):
    """Logarithm; ``base`` -1 stands for e. It is NaN where ``shift + scale * x`` is negative."""

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"bottom"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        param = self.param.log_param
        if param.base != -1 and (param.base == 1 or not 0 < param.base < math.inf):
            raise self.error(
                f"base must be positive and not 1, or -1 for e, got {param.base:g}; "
                "change log_param.base"
            )
        self.unit = 1.0 if param.base == -1 else 1 / math.log(param.base)
        self.scale, self.shift = param.scale, param.shift


class LogKernel(NeuronKernel):
    """Log on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write the logarithm."""
        self.xp.log(self.affine(x, self.layer.scale, self.layer.shift, out=y), out=y)
        if self.layer.unit != 1:
            y *= self.layer.unit

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff over what the logarithm was taken of, times its slope."""
        layer = self.layer
        inner = self.affine(x, layer.scale, layer.shift, out=self.workspace.like(x))
        self.xp.divide(dy, inner, out=dx)
        if layer.scale * layer.unit != 1:
            dx *= layer.scale * layer.unit


CASES = [
    Case(bottom=[uniform((2, 3, 4, 5), 0.1, 5)]),
    Case("log_param { base: 10 }", bottom=[uniform((3, 4), 0.1, 1000)]),
    Case("log_param { base: 2 scale: -0.5 shift: 3 }", bottom=[uniform((3, 4), -5, 5)]),
]
