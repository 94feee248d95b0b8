"""Nesterov on a GPU."""

from __future__ import annotations

from caffe_core.cuda.rule import FusedRule


class Nesterov(FusedRule):
    """h' = momentum h + rate g; the step is (1 + momentum) h' - momentum h."""

    slots = 1
    constants = ("momentum",)
    step = """
    const Real before = h0;
    h0 = momentum * before + rate * g;
    g = (1 + momentum) * h0 - momentum * before;
    """
