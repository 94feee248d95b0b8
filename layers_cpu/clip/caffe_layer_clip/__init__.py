"""Clip: y = max(min, min(x, max))."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case


class Clip(Layer):
    """Keeps values within ``min`` and ``max``.

    The gradient passes where the value was within, bounds included. If ``min`` is above ``max``,
    every value becomes ``min``.
    """

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"bottom"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the bounds."""
        if not self.param.HasField("clip_param"):
            raise self.error("clip_param is missing; give it `min` and `max`")
        self.min = self.param.clip_param.min
        self.max = self.param.clip_param.max


class ClipKernel(NeuronKernel):
    """Clip on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write the clipped values."""
        low, high = self.layer.min, self.layer.max
        self.xp.clip(x, low, max(low, high), out=y)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff where x is within the bounds, 0 elsewhere."""
        within = self.workspace.like(x, bool)
        self.xp.greater_equal(x, self.layer.min, out=within)
        self.xp.multiply(dy, within, out=dx)
        self.xp.less_equal(x, self.layer.max, out=within)
        dx *= within


CASES = [
    Case("clip_param { min: -0.5 max: 1 }"),
    Case("clip_param { min: 0 max: 6 }", bottom=[(2, 5)], note="ReLU6"),
    Case("clip_param { min: 1 max: -1 }", bottom=[(5,)], note="min above max: all become min"),
]
