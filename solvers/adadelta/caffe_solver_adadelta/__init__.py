"""AdaDelta: steps as large as recent steps, by the mean of recent gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.update_rule import UpdateRule


class AdaDelta(UpdateRule):
    """a = m a + (1 - m) g^2; s = g sqrt((b + delta) / (a + delta)); b = m b + (1 - m) s^2.

    The step is rate s; m is ``momentum``.

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """

    slots = 2
    scratch = 2

    def update(
        self,
        grad: Any,
        history: Sequence[Any],
        rate: float,
        iteration: int,
        scratch: Sequence[Any],
    ) -> None:
        """Replace `grad` by the step."""
        gradients, steps = history
        delta = self.param.delta
        self._remember(gradients, grad, scratch[0])
        self.xp.add(steps, delta, out=scratch[0])
        self.xp.add(gradients, delta, out=scratch[1])
        scratch[0] /= scratch[1]
        self.xp.sqrt(scratch[0], out=scratch[0])
        grad *= scratch[0]
        self._remember(steps, grad, scratch[0])
        grad *= rate

    def _remember(self, mean: Any, values: Any, square: Any) -> None:
        """Let a running mean of squares take in `values`."""
        momentum = self.param.momentum
        self.xp.multiply(values, values, out=square)
        square *= 1 - momentum
        mean *= momentum
        mean += square
