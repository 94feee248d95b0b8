"""Mish: y = x * tanh(log(1 + exp(x)))."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.testing import Case, uniform


class Mish(Layer):
    """Smooth activation that is not monotonic.

    Source: Misra, "Mish: A self regularized non-monotonic activation function", 2019.
    """

    facts = Facts(elementwise=True, backward_reads=frozenset({"bottom"}))


class MishKernel(Kernel):
    """Mish on arrays."""

    formats = ANY_FORMAT

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        x, y = bottom[0].data, top[0].data
        self._gate(x, out=y)
        y *= x

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff: gate + x * sigmoid(x) * (1 - gate * gate), times the top's."""
        if not propagate_down[0]:
            return
        x, dx, dy = bottom[0].data, bottom[0].diff, top[0].diff
        gate, slope = self.workspace.array((2, *x.shape), x.dtype)
        self._gate(x, out=gate)
        self.xp.multiply(gate, gate, out=slope)
        self.xp.subtract(1, slope, out=slope)
        slope *= x
        self._sigmoid(x, out=dx)
        slope *= dx
        slope += gate
        self.xp.multiply(slope, dy, out=dx)

    def _gate(self, x: Any, out: Any) -> None:
        """tanh(log(1 + exp(x)))."""
        self.xp.logaddexp(0, x, out=out)
        self.xp.tanh(out, out=out)

    def _sigmoid(self, x: Any, out: Any) -> None:
        """By tanh, which does not overflow."""
        self.xp.multiply(x, 0.5, out=out)
        self.xp.tanh(out, out=out)
        out += 1
        out *= 0.5


CASES = [
    Case(bottom=[(2, 3, 4, 5)]),
    Case(bottom=[uniform((3, 7), -100, 100)], note="far from zero, where exp overflows"),
    Case(bottom=[(6,)], phase="TEST"),
]
