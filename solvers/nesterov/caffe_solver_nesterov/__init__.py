"""Nesterov: momentum that looks ahead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.update_rule import UpdateRule


class Nesterov(UpdateRule):
    """h' = momentum h + rate g; the step is (1 + momentum) h' - momentum h.

    Source: Nesterov, "A method of solving a convex programming problem with convergence rate
    O(1/sqrt(k))", 1983; Sutskever et al., "On the importance of initialization and momentum in deep
    learning", 2013.
    """

    slots = 1
    scratch = 1

    def update(
        self,
        grad: Any,
        history: Sequence[Any],
        rate: float,
        iteration: int,
        scratch: Sequence[Any],
    ) -> None:
        """Replace `grad` by the step."""
        (velocity,), ahead = history, scratch[0]
        momentum = self.param.momentum
        grad *= rate
        self.xp.multiply(velocity, -momentum, out=ahead)
        velocity *= momentum
        velocity += grad
        self.xp.multiply(velocity, 1 + momentum, out=grad)
        grad += ahead
