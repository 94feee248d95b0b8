"""RMSProp on a GPU."""

from __future__ import annotations

import caffe_solver_rmsprop
from caffe_core.cuda.rule import FusedRule


class RMSProp(FusedRule, caffe_solver_rmsprop.RMSProp):
    """h = rms_decay h + (1 - rms_decay) g^2; the step is rate g / (sqrt(h) + delta)."""

    constants = ("rms_decay", "delta")
    step = """
    h0 = rms_decay * h0 + (1 - rms_decay) * (g * g);
    g = rate * g / (sqrt(h0) + delta);
    """
