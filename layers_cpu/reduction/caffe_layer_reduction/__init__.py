"""Reduction: the sum, mean, sum of magnitudes or sum of squares over axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.proto import caffe_pb2
from caffe_core.testing import Case

_LINEAR = ("SUM", "MEAN")


class Reduction(Layer):
    """Reduces all axes from ``axis`` on to one number, times ``coeff``.

    ``operation`` is ``SUM``, ``MEAN``, ``ASUM`` (of magnitudes) or ``SUMSQ`` (of squares). The top
    keeps the axes before ``axis``; with axis 0 it is a single number ``()``.
    """

    facts = Facts(backward_reads=frozenset({"bottom"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the operation and the axis."""
        param = self.param.reduction_param
        self.operation = caffe_pb2.ReductionParameter.ReductionOp.Name(param.operation)
        self.axis = bottom[0].axis(param.axis)
        if self.operation in _LINEAR:
            self.facts = Facts(backward_reads=frozenset())

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Keep the axes before ``axis``."""
        shape = bottom[0].shape
        self.coeff = self.param.reduction_param.coeff
        if self.operation == "MEAN":
            self.coeff /= max(math.prod(shape[self.axis :]), 1)
        top[0].reshape(shape[: self.axis])


class ReductionKernel(Kernel):
    """Reduction on arrays."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """See which axes go."""
        axes = len(bottom[0].shape)
        self.axes = tuple(range(self.layer.axis, axes))
        self.spread = (..., *(None,) * len(self.axes))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        y = top[0].data
        self.xp.add.reduce(self._terms(bottom[0].data), axis=self.axes, out=y)
        y *= self.layer.coeff

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff."""
        if not propagate_down[0]:
            return
        dx, coeff = bottom[0].diff, self.layer.coeff
        dy = top[0].diff[self.spread]
        if self.layer.operation in _LINEAR:
            self.xp.multiply(dy, coeff, out=dx)
        elif self.layer.operation == "ASUM":
            self.xp.sign(bottom[0].data, out=dx)
            dx *= coeff
            dx *= dy
        else:
            self.xp.multiply(bottom[0].data, 2 * coeff, out=dx)
            dx *= dy

    def _terms(self, x: Any) -> Any:
        """What is summed up."""
        if self.layer.operation == "ASUM":
            return self.xp.absolute(x, out=self.workspace.like(x))
        if self.layer.operation == "SUMSQ":
            return self.xp.square(x, out=self.workspace.like(x))
        return x


CASES = [
    Case(note="the sum of everything"),
    Case("reduction_param { operation: MEAN axis: 1 coeff: 2 }", bottom=[(2, 3, 4, 5)]),
    Case("reduction_param { operation: ASUM axis: -1 coeff: -0.5 }", bottom=[(2, 3, 4)]),
    Case(
        "reduction_param { operation: SUMSQ coeff: 0.5 }", bottom=[(2, 3)], note="half the square"
    ),
    Case("reduction_param { operation: SUMSQ axis: 2 }", bottom=[(2, 3, 4, 5)]),
]
