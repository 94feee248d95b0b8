"""What the tests of update rules share: steps on numbers that were worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.proto import caffe_pb2


@pytest.fixture
def steps():
    """Run a rule on one parameter; return its step and its history after each gradient."""

    def run(rule_type, gradients, rate=0.1, **fields):
        rule = rule_type(caffe_pb2.SolverParameter(**fields), np)
        history = [np.zeros(1) for _ in range(rule.slots)]
        scratch = [np.full(1, np.nan) for _ in range(rule.scratch)]
        done = []
        for iteration, gradient in enumerate(gradients):
            grad = np.array([gradient], float)
            rule.update(grad, history, rate, iteration, scratch)
            done.append((grad[0], *(each[0] for each in history)))
        return done

    return run
