"""AdaGrad on a GPU."""

from __future__ import annotations

import caffe_solver_adagrad
from caffe_core.cuda.rule import FusedRule


class AdaGrad(FusedRule, caffe_solver_adagrad.AdaGrad):
    """h = h + g^2; the step is rate g / (sqrt(h) + delta)."""

    constants = ("delta",)
    step = """
    h0 += g * g;
    g = rate * g / (sqrt(h0) + delta);
    """
