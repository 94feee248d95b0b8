"""FusedRule: an update rule that changes the whole arena in one launch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from caffe_core.arena import Arena
from caffe_core.cuda.source import Source, elementwise
from caffe_core.update_rule import UpdateRule

_BODY = """
    int group = 0;
    while (i >= ends[group]) ++group;
    const Real rate = base_rate * factors[2 * group];
    const Real decay = weight_decay * factors[2 * group + 1];
    const Real w = w_[i];
    Real g = g_[i] * scale;
    g += decay * (l1 ? Real((w > 0) - (w < 0)) : w);
    %s
    g_[i] = g;
    w_[i] = w - g;
"""


class FusedRule(UpdateRule):
    """An update rule as one piece of CUDA C, which regularises and subtracts in the same launch.

    The code turns ``g``, a gradient, into the step to be subtracted, and renews ``h0``, ``h1`` and
    so on, the history; it may read ``rate``, ``w``, the parameter, and `constants`. Write numbers
    as ``Real(0.5)``.

    Attributes:
        step: The code.
        constants: Names that the code has for `numbers`.
        source: The whole of it.
    """

    fused = True
    step: ClassVar[str]
    constants: ClassVar[tuple[str, ...]] = ()
    source: ClassVar[Source]

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        history = [f"h{slot}" for slot in range(cls.slots)]
        parameters = ["Real* w_", "Real* g_", *(f"Real* {name}_" for name in history)]
        parameters += ["const int* ends", "const Real* factors", "Real scale", "Real weight_decay"]
        parameters += ["bool l1", "Real base_rate", *(f"Real {name}" for name in cls.constants)]
        references = "".join(f"Real& {name} = {name}_[i]; " for name in history)
        code = _BODY % (references + cls.step)
        cls.source = elementwise(f"{cls.__module__}.{cls.__name__}", update=(
            ", ".join(parameters), code
        ))  # fmt: skip

    def __init__(self, param: Any, xp: Any):
        super().__init__(param, xp)
        self._tables: tuple[Any, Any] | None = None

    def numbers(self, iteration: int) -> Sequence[float]:
        """Return the values of `constants`: by default, fields of the ``SolverParameter``."""
        return [getattr(self.param, name) for name in self.constants]

    def apply(
        self,
        device: Any,
        arena: Arena,
        history: Sequence[Any],
        scale: float,
        rate: float,
        iteration: int,
    ) -> None:
        """Change the parameters by one step; their gradients become the step.

        Args:
            device: Where.
            arena: The parameters.
            history: One array like the arena for each slot.
            scale: What gradients are multiplied with first.
            rate: Learning rate, to be multiplied with each ``lr_mult``.
            iteration: Iterations done before this one.
        """
        if self._tables is None:
            self._tables = self._make_tables(arena)
        device.function(self.source, "update", arena.dtype)(
            arena.size, arena.data(device), arena.diff(device), *history, *self._tables, scale,
            self.param.weight_decay, self.param.regularization_type == "L1", rate,
            *self.numbers(iteration),
        )  # fmt: skip

    def _make_tables(self, arena: Arena) -> tuple[Any, Any]:
        """Where each group of the arena ends, and its factors of rate and decay."""
        factors = [[group.lr_mult, group.decay_mult] for group in arena.groups]
        ends = [group.stop for group in arena.groups]
        return self.xp.array(ends, np.int32), self.xp.array(factors, arena.dtype)
