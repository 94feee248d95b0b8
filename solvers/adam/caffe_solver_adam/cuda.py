"""Adam on a GPU."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.cuda.rule import FusedRule


class Adam(FusedRule):
    """a = b1 a + (1 - b1) g; b = b2 b + (1 - b2) g^2; the step is rate c a / (sqrt(b) + delta).

    b1 is ``momentum``, b2 ``momentum2``; c is the correction for means that start at 0.
    """

    slots = 2
    constants = ("momentum", "momentum2", "delta", "correction")
    step = """
    h0 = momentum * h0 + (1 - momentum) * g;
    h1 = momentum2 * h1 + (1 - momentum2) * (g * g);
    g = rate * correction * h0 / (sqrt(h1) + delta);
    """

    def numbers(self, iteration: int) -> Sequence[float]:
        """Return fields of the ``SolverParameter``, and the correction."""
        first, second, done = self.param.momentum, self.param.momentum2, iteration + 1
        correction = (1 - second**done) ** 0.5 / (1 - first**done)
        return first, second, self.param.delta, correction
