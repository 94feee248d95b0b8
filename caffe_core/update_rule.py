"""UpdateRule: what makes one solver type differ from another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class UpdateRule:
    """A few lines over flat arrays that turn gradients into steps.

    The solver has already clipped, scaled and regularised the gradients. It calls `update` for
    pieces of the arena that share a rate, small enough to stay in cache, so a rule must treat every
    element alike.

    Attributes:
        slots: How many history values there are for each parameter; all start at 0. The
            ``.solverstate`` holds slot 0 of every parameter, then slot 1 of every parameter.
        scratch: How many scratch arrays `update` asks for.
        fused: The rule changes a whole arena at once, by a method `apply` as that of
            `caffe_core.cuda.rule.FusedRule`, and has no `update`.
        param: The ``SolverParameter`` message.
        xp: NumPy or CuPy.
    """

    slots: ClassVar[int] = 1
    scratch: ClassVar[int] = 0
    fused: ClassVar[bool] = False

    def __init__(self, param: Any, xp: Any):
        self.param = param
        self.xp = xp

    def update(
        self,
        grad: Any,
        history: Sequence[Any],
        rate: float,
        iteration: int,
        scratch: Sequence[Any],
    ) -> None:
        """Replace `grad` by the step to be subtracted from the parameters; renew `history`.

        Args:
            grad: Gradients, changed in place.
            history: One array for each slot, changed in place.
            rate: Learning rate times ``lr_mult``.
            iteration: Iterations done before this one.
            scratch: Arrays like `grad`, their content undefined.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update")
