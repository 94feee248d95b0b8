"""Threshold: y = 1 where x > threshold, 0 elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case


class Threshold(Layer):
    """Tells which values are above ``threshold``. The gradient, which Caffe refuses, is 0."""

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset())

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the threshold."""
        self.threshold = self.param.threshold_param.threshold


class ThresholdKernel(NeuronKernel):
    """Threshold on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write ones and zeros."""
        self.xp.greater(x, self.layer.threshold, out=y)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write 0: between steps, nothing changes."""
        dx.fill(0)


CASES = [
    Case(),
    Case("threshold_param { threshold: 0.7 }", bottom=[(3, 7)]),
]
