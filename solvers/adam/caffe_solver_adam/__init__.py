"""Adam: momentum over the root of the mean square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.update_rule import UpdateRule


class Adam(UpdateRule):
    """a = b1 a + (1 - b1) g; b = b2 b + (1 - b2) g^2; the step is rate c a / (sqrt(b) + delta).

    b1 is ``momentum``, b2 ``momentum2``; c = sqrt(1 - b2^t) / (1 - b1^t) corrects for the first
    means, which start at 0; t counts from 1.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
    """

    slots = 2
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
        (mean, squares), temporary = history, scratch[0]
        first, second = self.param.momentum, self.param.momentum2
        done = iteration + 1
        correction = (1 - second**done) ** 0.5 / (1 - first**done)
        mean *= first
        self.xp.multiply(grad, 1 - first, out=temporary)
        mean += temporary
        self.xp.multiply(grad, grad, out=temporary)
        temporary *= 1 - second
        squares *= second
        squares += temporary
        self.xp.sqrt(squares, out=temporary)
        temporary += self.param.delta
        self.xp.divide(mean, temporary, out=grad)
        grad *= rate * correction
