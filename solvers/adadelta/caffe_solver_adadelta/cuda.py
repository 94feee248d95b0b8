"""AdaDelta on a GPU."""

from __future__ import annotations

from caffe_core.cuda.rule import FusedRule


class AdaDelta(FusedRule):
    """a = m a + (1 - m) g^2; s = g sqrt((b + delta) / (a + delta)); b = m b + (1 - m) s^2.

    The step is rate s; m is ``momentum``.
    """

    slots = 2
    constants = ("momentum", "delta")
    step = """
    h0 = momentum * h0 + (1 - momentum) * (g * g);
    g *= sqrt((h1 + delta) / (h0 + delta));
    h1 = momentum * h1 + (1 - momentum) * (g * g);
    g *= rate;
    """
