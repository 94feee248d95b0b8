"""Learning-rate policies: formulas at their ends and corners, steps taken, and refusals."""

from __future__ import annotations

import math

import pytest

from caffe_core import registry
from caffe_core.errors import PluginError, SolverError
from caffe_core.lr_policies import current_step, learning_rate
from caffe_core.proto.caffe_pb2 import SolverParameter


def solver(policy, **fields):
    return SolverParameter(lr_policy=policy, base_lr=0.5, **fields)


@pytest.mark.parametrize(
    ("param", "iteration", "rate"),
    [
        (solver("fixed"), 1000, 0.5),
        (solver("step", gamma=0.5, stepsize=10), 9, 0.5),
        (solver("step", gamma=0.5, stepsize=10), 10, 0.25),
        (solver("step", gamma=0, stepsize=10), 10, 0),
        (solver("exp", gamma=0.5), 3, 0.0625),
        (solver("inv", gamma=1, power=2), 3, 0.5 / 16),
        (solver("multistep", gamma=0.5, stepvalue=[3, 5]), 2, 0.5),
        (solver("multistep", gamma=0.5, stepvalue=[3, 5]), 3, 0.25),
        (solver("multistep", gamma=0.5, stepvalue=[3, 5]), 500, 0.125),
        (solver("multistep", gamma=0.5), 7, 0.5),
        (solver("poly", power=2, max_iter=10), 0, 0.5),
        (solver("poly", power=2, max_iter=10), 5, 0.125),
        (solver("poly", power=2, max_iter=10), 10, 0),
        (solver("sigmoid", gamma=0.5, stepsize=10), 10, 0.25),
        (solver("sigmoid", gamma=0.5, stepsize=10), 12, 0.5 / (1 + math.exp(-1))),
        (solver("sigmoid", gamma=1, stepsize=10000), 0, 0),
        (solver("sigmoid", gamma=1, stepsize=10), 100000, 0.5),
    ],
    ids=lambda value: value.lr_policy if isinstance(value, SolverParameter) else str(value),
)
def test_rate(param, iteration, rate):
    assert learning_rate(param, iteration) == pytest.approx(rate, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    ("param", "steps"),
    [
        (solver("step", gamma=0.5, stepsize=3), [0, 0, 0, 1, 1, 1, 2, 2]),
        (solver("multistep", gamma=0.5, stepvalue=[2, 5, 6]), [0, 0, 1, 1, 1, 2, 3, 3]),
        # Caffe takes the values in their order, and no more than one in an iteration.
        (solver("multistep", gamma=0.5, stepvalue=[2, 2, 2]), [0, 0, 1, 2, 3, 3, 3, 3]),
        (solver("multistep", gamma=0.5, stepvalue=[5, 1]), [0, 0, 0, 0, 0, 1, 2, 2]),
        (solver("exp", gamma=0.5), [0] * 8),
    ],
)
def test_current_step(param, steps):
    assert [current_step(param, iteration) for iteration in range(8)] == steps
    if param.lr_policy != "exp":
        rates = [learning_rate(param, iteration) for iteration in range(8)]
        assert rates == [0.5 * 0.5**step for step in steps]


@pytest.mark.parametrize(
    ("param", "message"),
    [
        (
            solver("step", gamma=0.1),
            "lr_policy 'step': stepsize must be at least 1, and is not set",
        ),
        (solver("step", gamma=0.1, stepsize=-5), "stepsize must be at least 1, got -5"),
        (solver("sigmoid", gamma=0.1), "lr_policy 'sigmoid': stepsize must be at least 1"),
        (solver("exp", gamma=-0.1), "lr_policy 'exp': gamma must not be negative, got -0.1"),
        (solver("exp", gamma=1e30), "the rate at iteration 13 is too large .* change gamma"),
        (solver("poly", power=1), "to max_iter, which is 0, not at iteration 13"),
        (solver("poly", power=1.5, max_iter=12), "to max_iter, which is 12, not at iteration 13"),
        (SolverParameter(base_lr=1), "lr_policy is not set; choose one of exp, fixed, inv"),
    ],
)
def test_refusals(param, message):
    with pytest.raises(SolverError, match=message):
        learning_rate(param, 13)


def test_an_unknown_policy_is_named_with_near_ones():
    with pytest.raises(
        PluginError, match=r"no learning rate policy 'steps' .* Did you mean 'step'"
    ):
        learning_rate(solver("steps"), 0)


def test_a_policy_may_be_added():
    registry.lr_policies.register("halves", lambda param, iteration: param.base_lr / 2**iteration)
    try:
        assert learning_rate(solver("halves"), 2) == 0.125
        assert current_step(solver("halves"), 2) == 0
    finally:
        registry.lr_policies.unregister("halves")
