"""Power: y = (shift + scale * x) ^ power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case, uniform

_NAMED = {-1: "reciprocal", 0.5: "sqrt", 2: "square"}
_PRODUCTS = range(2, 9)  # powers that are faster as products: pow is slow on negative numbers


class Power(Layer):
    """Scales, shifts and raises to a power. Powers that are not whole need positive numbers.

    With ``power`` 1 it is an affine function; with ``scale`` or ``power`` 0, a constant.
    """

    facts = Facts(elementwise=True, inplace=True)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters, and see what backward needs."""
        param = self.param.power_param
        self.power, self.scale, self.shift = param.power, param.scale, param.shift
        if self.power in (0, 1) or self.scale == 0:
            self.facts = replace(self.facts, backward_reads=frozenset())
        elif self.power > 1:
            self.facts = replace(self.facts, backward_reads=frozenset({"bottom"}))


class PowerKernel(NeuronKernel):
    """Power on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write the power."""
        power = self.layer.power
        base = self._base(x, out=y)
        if power in _NAMED:
            getattr(self.xp, _NAMED[power])(base, out=y)
        elif power in _PRODUCTS:
            factor = self.workspace.like(x)
            factor[...] = base
            self.xp.square(factor, out=y)
            self._times(y, factor, power - 2)
        elif power != 1:
            self.xp.power(base, power, out=y)
        elif base is not y:
            y[...] = base

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times scale * power * base ^ (power - 1).

        Below power 1, that is base ^ power over base.
        """
        layer, power = self.layer, self.layer.power
        self.xp.multiply(dy, layer.scale * power, out=dx)
        if not layer.facts.backward_reads:
            return
        base = self._base(x, out=self.workspace.like(x))
        if power < 1:
            dx *= y
            dx /= base
        elif power in _PRODUCTS:
            self._times(dx, base, power - 1)
        else:
            dx *= self.xp.power(base, power - 1, out=self.workspace.like(x))

    def _base(self, x: Any, out: Any) -> Any:
        """What is raised: written to `out`, or `x` itself."""
        if self.layer.scale != 0:
            return self.affine(x, self.layer.scale, self.layer.shift, out)
        out.fill(self.layer.shift)
        return out

    def _times(self, target: Any, base: Any, power: float) -> None:
        """Multiply `target` by a whole power of the base."""
        for _ in range(int(power)):
            target *= base


_POSITIVE = uniform((3, 4), 0.1, 3)

CASES = [
    Case(note="identity"),
    Case("power_param { scale: 0.5 shift: -2 }", note="affine"),
    Case("power_param { power: 2 }", bottom=[(3, 4)]),
    Case("power_param { power: 3 scale: 2 shift: 0.5 }", bottom=[(3, 4)]),
    Case("power_param { power: 0.5 }", bottom=[_POSITIVE], note="square root"),
    Case("power_param { power: -1 scale: 2 shift: 1 }", bottom=[_POSITIVE]),
    Case("power_param { power: 2.5 }", bottom=[_POSITIVE]),
    Case("power_param { power: -0.3 shift: 1 }", bottom=[_POSITIVE]),
    Case("power_param { power: 2 scale: 0 shift: 3 }", bottom=[(5,)], note="constant"),
    Case("power_param { power: 0 }", bottom=[(5,)], note="all ones"),
]
