"""The update rules on numbers worked out by hand; the golden cases run them in whole nets."""

from __future__ import annotations

from math import sqrt

import pytest
from caffe_solver_adadelta import AdaDelta
from caffe_solver_adagrad import AdaGrad
from caffe_solver_adam import Adam
from caffe_solver_nesterov import Nesterov
from caffe_solver_rmsprop import RMSProp
from caffe_solver_sgd import SGD

from caffe_core.errors import SolverError
from caffe_core.proto import caffe_pb2

RULES = [SGD, Nesterov, AdaGrad, RMSProp, AdaDelta, Adam]


def close(found, expected):
    assert [pytest.approx(each, rel=1e-6, abs=1e-12) for each in expected] == found


def test_sgd_keeps_a_part_of_its_last_step(steps):
    # 0.1 * 4; 0.5 * 0.4 + 0.1 * -2
    close(steps(SGD, [4, -2], momentum=0.5), [(0.4, 0.4), (0.0, 0.0)])


def test_nesterov_looks_ahead(steps):
    # 1.5 * 0.4 - 0.5 * 0; h' = 0.5 * 0.4 + 0.2 = 0.4: 1.5 * 0.4 - 0.5 * 0.4
    close(steps(Nesterov, [4, 2], momentum=0.5), [(0.6, 0.4), (0.4, 0.4)])


def test_nesterov_without_momentum_is_plain_descent(steps):
    close(steps(Nesterov, [4, -2]), [(0.4, 0.4), (-0.2, -0.2)])


def test_adagrad_divides_by_the_root_of_all_squares(steps):
    # 9, 9 + 16 = 25; the roots are 3 and 5, and delta is 1
    close(
        steps(AdaGrad, [3, -4], delta=1),
        [(0.1 * 3 / (3 + 1), 9), (0.1 * -4 / (5 + 1), 25)],
    )


def test_rmsprop_divides_by_the_root_of_the_mean_square(steps):
    # 0.5 * 8 = 4; 0.5 * 4 + 0.5 * 28 = 16
    close(
        steps(RMSProp, [sqrt(8), -sqrt(28)], rms_decay=0.5, delta=1),
        [(0.1 * sqrt(8) / (2 + 1), 4), (0.1 * -sqrt(28) / (4 + 1), 16)],
    )


def test_adadelta_steps_as_far_as_it_has_stepped(steps):
    # gradients: 0.5 * 6 = 3; the step before the rate: sqrt(6) * sqrt((0 + 1) / (3 + 1))
    # its square is 1.5, of which half is kept. Then 0.5 * 3 + 0.5 * 1 = 2:
    # sqrt((0.75 + 1) / (2 + 1)), whose square 1.75 / 3 is averaged with 0.75
    close(
        steps(AdaDelta, [sqrt(6), -1], momentum=0.5, delta=1),
        [
            (0.1 * sqrt(6) / 2, 3, 0.75),
            (-0.1 * sqrt(1.75 / 3), 2, 0.375 + 1.75 / 6),
        ],
    )


def test_adam_corrects_its_first_means(steps):
    # means: 0.5 * 2 = 1, 0.5 * 1 + 0.5 * -3 = -1; squares: 0.25 * 4 = 1, 0.75 + 0.25 * 9 = 3
    # corrections: sqrt(1 - 0.75) / (1 - 0.5) = 1, sqrt(1 - 0.5625) / (1 - 0.25)
    close(
        steps(Adam, [2, -3], momentum=0.5, momentum2=0.75, delta=1),
        [
            (0.1 * 1 / (1 + 1), 1, 1),
            (0.1 * sqrt(0.4375) / 0.75 * -1 / (sqrt(3) + 1), -1, 3),
        ],
    )


def test_defaults_are_those_of_caffe(steps):
    # momentum 0, momentum2 0.999, delta 1e-8: one step of Adam is the rate, whatever the gradient
    close([step[:1] for step in steps(Adam, [50])], [(0.1,)])
    # rms_decay 0.99: 0.01 * 50^2 has the root 5
    close([step[:1] for step in steps(RMSProp, [50])], [(1.0,)])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_gradient_is_no_step_and_nothing_is_divided_by_0(rule, steps):
    assert [step[0] for step in steps(rule, [0, 0])] == [0, 0]


@pytest.mark.parametrize("rule", [AdaGrad, RMSProp])
def test_momentum_is_refused_where_there_is_none(rule, steps):
    with pytest.raises(SolverError, match=rf"momentum is 0\.9, and {rule.__name__} has none"):
        steps(rule, [1], momentum=0.9)


@pytest.mark.parametrize("decay", [-0.1, 1, 1.5])
def test_rms_decay_has_its_range(decay, steps):
    with pytest.raises(SolverError, match=r"rms_decay is .*; expected at least 0 and less than 1"):
        steps(RMSProp, [1], rms_decay=decay)


def test_each_old_type_has_its_rule():
    from caffe_core import registry
    from caffe_core.proto.files import load_solver

    for name, rule in zip(
        ("SGD", "NESTEROV", "ADAGRAD", "RMSPROP", "ADADELTA", "ADAM"), RULES, strict=True
    ):
        old = caffe_pb2.SolverParameter(solver_type=name)
        assert registry.solvers[load_solver(old).type] is rule
