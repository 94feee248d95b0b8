"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.update_rule import UpdateRule


class SGD(UpdateRule):
    """h = momentum h + rate g; the step is h.

    Source: Bottou, "Stochastic gradient descent tricks", 2012.
    """

    slots = 1

    def update(
        self,
        grad: Any,
        history: Sequence[Any],
        rate: float,
        iteration: int,
        scratch: Sequence[Any],
    ) -> None:
        """Replace `grad` by the step."""
        (velocity,) = history
        velocity *= self.param.momentum
        grad *= rate
        velocity += grad
        grad[...] = velocity
