"""Learning-rate policies: how the rate falls as training goes on.

Each is a function of the ``SolverParameter`` and the number of iterations done, installed under its
name in ``caffe.lr_policies``; `learning_rate` calls the one that ``lr_policy`` names.
"""

from __future__ import annotations

import math
from typing import Any

from caffe_core import registry
from caffe_core.errors import SolverError


def learning_rate(param: Any, iteration: int) -> float:
    """Return the rate, before any ``lr_mult``, of the update that follows `iteration` others.

    Raises:
        PluginError: ``lr_policy`` names no policy.
        SolverError: The policy lacks a field, or gives no finite rate here.
    """
    if not param.lr_policy:
        known = ", ".join(registry.lr_policies.names())
        raise SolverError(f"solver: lr_policy is not set; choose one of {known}")
    try:
        return float(registry.lr_policies[param.lr_policy](param, iteration))
    except ArithmeticError as error:
        raise _refusal(
            param,
            f"the rate at iteration {iteration} is too large for a number; "
            f"change gamma ({param.gamma:g}) or power ({param.power:g})",
        ) from error


def current_step(param: Any, iteration: int) -> int:
    """Return how many steps the rate of `iteration` has taken: ``current_step`` of a solver state.

    Only `step` and `multistep` count steps; for other policies it is 0. A state written after n
    updates holds the step of the last of them, ``current_step(param, n - 1)``.

    Raises:
        SolverError: The policy is ``step`` and there is no ``stepsize``.
    """
    if param.lr_policy == "step":
        return iteration // _stepsize(param)
    if param.lr_policy == "multistep":
        return _steps_taken(param.stepvalue, iteration)
    return 0


def fixed(param: Any, iteration: int) -> float:
    """``base_lr``."""
    return float(param.base_lr)


def step(param: Any, iteration: int) -> float:
    """``base_lr * gamma ^ floor(iteration / stepsize)``."""
    return float(param.base_lr * _gamma(param) ** (iteration // _stepsize(param)))


def exp(param: Any, iteration: int) -> float:
    """``base_lr * gamma ^ iteration``."""
    return float(param.base_lr * _gamma(param) ** iteration)


def inv(param: Any, iteration: int) -> float:
    """``base_lr * (1 + gamma * iteration) ^ -power``."""
    return float(param.base_lr * (1 + _gamma(param) * iteration) ** -param.power)


def multistep(param: Any, iteration: int) -> float:
    """``base_lr * gamma ^ (number of stepvalues reached)``."""
    return float(param.base_lr * _gamma(param) ** _steps_taken(param.stepvalue, iteration))


def poly(param: Any, iteration: int) -> float:
    """``base_lr * (1 - iteration / max_iter) ^ power``, which is 0 at ``max_iter``."""
    if not 0 <= iteration <= param.max_iter or param.max_iter == 0:
        raise _refusal(
            param,
            f"there is a rate from iteration 0 to max_iter, which is {param.max_iter}, "
            f"not at iteration {iteration}; raise max_iter",
        )
    return float(param.base_lr * (1 - iteration / param.max_iter) ** param.power)


def sigmoid(param: Any, iteration: int) -> float:
    """``base_lr / (1 + e ^ (-gamma * (iteration - stepsize)))``.

    As in Caffe, a positive ``gamma`` lets the rate rise to ``base_lr``.
    """
    exponent = _gamma(param) * (iteration - _stepsize(param))
    small = math.exp(-abs(exponent))
    return float(param.base_lr * (1 if exponent >= 0 else small) / (1 + small))


def _steps_taken(stepvalues: Any, iteration: int) -> int:
    """Count the steps taken; as in Caffe in the order given, at most one for each iteration."""
    taken, last = 0, -1
    for value in stepvalues:
        last = max(value, last + 1)
        if last > iteration:
            break
        taken += 1
    return taken


def _gamma(param: Any) -> float:
    if not param.gamma >= 0:
        raise _refusal(param, f"gamma must not be negative, got {param.gamma:g}")
    return float(param.gamma)


def _stepsize(param: Any) -> int:
    if param.stepsize <= 0:
        found = f"got {param.stepsize}" if param.HasField("stepsize") else "and is not set"
        raise _refusal(param, f"stepsize must be at least 1, {found}; set `stepsize` in the solver")
    return int(param.stepsize)


def _refusal(param: Any, message: str) -> SolverError:
    return SolverError(f"solver: lr_policy {param.lr_policy!r}: {message}")
