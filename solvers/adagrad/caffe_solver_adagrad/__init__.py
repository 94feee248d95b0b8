"""AdaGrad: a rate for each parameter, falling with all gradients it has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.errors import SolverError
from caffe_core.update_rule import UpdateRule


class AdaGrad(UpdateRule):
    """h = h + g^2; the step is rate g / (sqrt(h) + delta).

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and
    stochastic optimization", 2011.
    """

    slots = 1
    scratch = 1

    def __init__(self, param: Any, xp: Any):
        super().__init__(param, xp)
        if param.momentum:
            raise SolverError(
                f"solver: momentum is {param.momentum:g}, and AdaGrad has none; remove it"
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
        self.xp.multiply(grad, grad, out=root)
        squares += root
        self.xp.sqrt(squares, out=root)
        root += self.param.delta
        grad *= rate
        grad /= root
