"""MVN: y = (x - mean) / (standard deviation + eps), for each item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from caffe_core.blob import ANY_FORMAT, Blob, Shape
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.portions import Portions
from caffe_core.testing import Case


class MVN(Layer):
    """Mean-variance normalisation of each channel of each item, alone.

    With ``across_channels`` an item is normalised as a whole; without ``normalize_variance`` only
    the mean is taken away. ``eps`` is added to the standard deviation; the gradient takes the sum
    for the deviation itself, as in Caffe. The top has at least the four axes N, C, H and W.
    """

    facts = Facts(inplace=True, backward_reads=frozenset({"top"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        param = self.param.mvn_param
        self.across_channels = param.across_channels
        self.normalize_variance = param.normalize_variance
        self.eps = param.eps
        keeps_shape = _with_four_axes(bottom[0].shape) == bottom[0].shape
        self.facts = replace(
            self.facts,
            inplace=keeps_shape or top[0] is bottom[0],
            backward_reads=frozenset({"top"} if self.normalize_variance else ()),
        )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape, and axes of length 1 up to four."""
        top[0].reshape(_with_four_axes(bottom[0].shape))


class MVNKernel(Kernel):
    """MVN on arrays seen as ``(N, channels, positions)``, a portion of the batch at a time."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Cut the batch into portions; allocate a few numbers for each mean."""
        blob = top[0]
        self.shape = (*blob.shape[:2], blob.span(2))
        self.portions = Portions(blob, self.workspace, (self.shape[2:], blob.dtype))
        across = self.layer.across_channels
        self.values = max(blob.span(1 if across else 2), 1)
        self.each = "n" if across else "nc"
        means = self.shape[: len(self.each)]
        self.mean, self.dot, self.deviation = np.zeros((3, *means), blob.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        x, y = bottom[0].data.reshape(self.shape), top[0].data.reshape(self.shape)
        for part, _ in self.portions:
            mean, deviation = self.mean[part], self.deviation[part]
            self._average(x[part], out=mean)
            np.subtract(x[part], self._spread(mean), out=y[part])
            if self.layer.normalize_variance:
                self._average(y[part], y[part], out=deviation)
                np.sqrt(deviation, out=deviation)
                deviation += self.layer.eps
                y[part] /= self._spread(deviation)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff: (dy - mean(dy) - y mean(dy y)) / deviation."""
        if not propagate_down[0]:
            return
        y, dy = top[0].data.reshape(self.shape), top[0].diff.reshape(self.shape)
        dx = bottom[0].diff.reshape(self.shape)
        for part, (scratch,) in self.portions:
            mean, dot = self.mean[part], self.dot[part]
            self._average(dy[part], out=mean)
            if self.layer.normalize_variance:
                self._average(dy[part], y[part], out=dot)
                np.multiply(y[part], self._spread(dot), out=scratch)
                np.subtract(dy[part], scratch, out=dx[part])
                dx[part] -= self._spread(mean)
                dx[part] /= self._spread(self.deviation[part])
            else:
                np.subtract(dy[part], self._spread(mean), out=dx[part])

    def _average(self, *factors: Any, out: Any) -> None:
        """Write the average of the product of `factors` over what is normalised together."""
        np.einsum(f"{','.join(['ncp'] * len(factors))}->{self.each}", *factors, out=out)
        out /= self.values

    def _spread(self, numbers: Any) -> Any:
        """Numbers for each mean, in a shape that goes with a portion."""
        return numbers.reshape(numbers.shape + (1,) * (3 - numbers.ndim))


def _with_four_axes(shape: Shape) -> Shape:
    return shape + (1,) * (4 - len(shape))


CASES = [
    Case(bottom=[(2, 3, 4, 5)], note="each channel of each item"),
    Case("mvn_param { across_channels: true }", bottom=[(2, 3, 4, 5)], note="each item"),
    Case("mvn_param { normalize_variance: false }", bottom=[(2, 3, 4, 5)], note="the mean only"),
    Case("mvn_param { normalize_variance: false across_channels: true }", bottom=[(2, 3, 2, 2, 2)]),
    Case("mvn_param { across_channels: true }", bottom=[(4, 6)], note="of vectors"),
    Case("mvn_param { eps: 0.5 }", bottom=[(2, 2, 3, 3)], gradient=False),
]
