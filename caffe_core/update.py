"""Update: from gradients to new parameters, in one pass over the arena."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_core import registry
from caffe_core.arena import Arena, Group
from caffe_core.device import CPU, Device
from caffe_core.errors import SolverError
from caffe_core.threads import run_all, thread_count
from caffe_core.update_rule import UpdateRule

log = logging.getLogger("caffe")

CHUNK = 1 << 16  # elements worked on at a time on a CPU: few enough to stay in its cache
REGULARIZATIONS = ("L1", "L2")


class Update:
    """Clips, scales and regularises the gradients and applies a rule, chunk by chunk.

    Args:
        param: The ``SolverParameter``.
        arena: What is learned.
        device: Where.

    Attributes:
        rule: The update rule.
        history: One flat array, laid out as the arena, for each slot of the rule.

    Raises:
        PluginError: No plugin supplies the solver type.
        SolverError: ``regularization_type`` is unknown.
    """

    def __init__(self, param: Any, arena: Arena, device: Device = CPU):
        if param.regularization_type not in REGULARIZATIONS:
            raise SolverError(
                f"solver: Unknown regularization type: {param.regularization_type!r}; "
                f"expected {' or '.join(REGULARIZATIONS)}"
            )
        self.param, self.arena, self.device, self.xp = param, arena, device, device.xp
        self.rule: UpdateRule = _rule_type(param.type, device)(param, device.xp)
        self.history = [arena.zeros(device) for _ in range(self.rule.slots)]
        self._chunk = min(CHUNK, arena.size) if device is CPU else arena.size
        self._workers = thread_count() if device is CPU else 1
        scratch = 0 if self.rule.fused else max(1, self.rule.scratch)
        self._scratch = [
            [device.zeros(self._chunk, arena.dtype) for _ in range(scratch)]
            for _ in range(self._workers)
        ]
        self._pieces = list(self._cut())

    def apply(self, rate: float, iteration: int) -> None:
        """Change the parameters by one step; their gradients become the step, as in Caffe."""
        with self.device.active():
            self._apply(rate, iteration)

    def _apply(self, rate: float, iteration: int) -> None:
        data, diff = self.arena.data(self.device), self.arena.diff(self.device)
        with np.errstate(all="ignore"):  # what overflows shows in the next loss
            scale = self._clip(diff) / self.param.iter_size
        if self.rule.fused:
            rule: Any = self.rule
            rule.apply(self.device, self.arena, self.history, scale, rate, iteration)
            return
        step = _Step(data, diff, scale, rate, iteration)
        run_all([functools.partial(self._work, worker, step) for worker in range(self._workers)])

    def _cut(self) -> Iterator[tuple[slice, Group]]:
        """Cut the arena into pieces that each have one rate and fit the cache."""
        for group in self.arena.groups:
            for start in range(group.start, group.stop, self._chunk):
                yield slice(start, min(start + self._chunk, group.stop)), group

    def _work(self, worker: int, step: _Step) -> None:
        """Do one worker's share of the pieces."""
        with np.errstate(all="ignore"):
            for piece, group in self._pieces[worker :: self._workers]:
                self._apply_piece(piece, group, step, self._scratch[worker])

    def _apply_piece(self, piece: slice, group: Group, step: _Step, scratch: list[Any]) -> None:
        values, grad = step.data[piece], step.diff[piece]
        scratch = [array[: len(grad)] for array in scratch]
        if step.scale != 1:
            grad *= step.scale
        self._regularize(values, grad, self.param.weight_decay * group.decay_mult, scratch[0])
        history = [slot[piece] for slot in self.history]
        rate = step.rate * group.lr_mult
        self.rule.update(grad, history, rate, step.iteration, scratch[: self.rule.scratch])
        values -= grad

    def _regularize(self, values: Any, grad: Any, decay: float, scratch: Any) -> None:
        if not decay:
            return
        if self.param.regularization_type == "L1":
            self.xp.sign(values, out=scratch)
            scratch *= decay
        else:
            self.xp.multiply(values, decay, out=scratch)
        grad += scratch

    def _clip(self, diff: Any) -> float:
        """Return what to multiply the gradients with so that their norm is at most the limit."""
        limit = self.param.clip_gradients
        if limit < 0:
            return 1.0
        norm = math.sqrt(float(self.xp.dot(diff, diff)))
        if norm <= limit:
            return 1.0
        log.info(
            "Gradient clipping: scaling down gradients (L2 norm %g > %g) by scale factor %g",
            norm,
            limit,
            limit / norm,
        )
        return float(limit / norm)


@dataclass(frozen=True)
class _Step:
    """What all pieces of one update have in common."""

    data: Any
    diff: Any
    scale: float
    rate: float
    iteration: int


def _rule_type(name: str, device: Device) -> Any:
    """The rule written for this device, or the portable one."""
    own = registry.solver_kernels(device.kind)
    return own[name] if name in own else registry.solvers[name]
