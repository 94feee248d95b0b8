"""SGD on a GPU."""

from __future__ import annotations

from caffe_core.cuda.rule import FusedRule


class SGD(FusedRule):
    """h = momentum h + rate g; the step is h."""

    slots = 1
    constants = ("momentum",)
    step = "g = h0 = momentum * h0 + rate * g;"
