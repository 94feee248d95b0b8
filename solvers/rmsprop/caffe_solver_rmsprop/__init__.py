"""RMSProp: a rate for each parameter, by the mean of its recent gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.errors import SolverError
from caffe_core.update_rule import UpdateRule


class RMSProp(UpdateRule):
    """h = rms_decay h + (1 - rms_decay) g^2; the step is rate g / (sqrt(h) + delta).

    Source: Tieleman and Hinton, "Lecture 6.5: RMSProp", Coursera, 2012.
    """

    slots = 1
    scratch = 1

    def __init__(self, param: Any, xp: Any):
        super().__init__(param, xp)
        if param.momentum:
            raise SolverError(
                f"solver: momentum is {param.momentum:g}, and RMSProp has none; remove it"
            )
        if not 0 <= param.rms_decay < 1:
            raise SolverError(
                f"solver: rms_decay is {param.rms_decay:g}; expected at least 0 and less than 1"
            )

    def update(
        self,
        grad: Any,
        history: Sequence[Any],
        rate: float,
        iteration: int,
        scratch: Sequence[Any],
    ) -> None:
        """Replace `grad` by the step."""
        (squares,), root = history, scratch[0]
        decay = self.param.rms_decay
        self.xp.multiply(grad, grad, out=root)
        root *= 1 - decay
        squares *= decay
        squares += root
        self.xp.sqrt(squares, out=root)
        root += self.param.delta
        grad *= rate
        grad /= root
