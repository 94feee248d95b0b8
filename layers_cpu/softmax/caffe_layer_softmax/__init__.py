"""Softmax: e ^ x, scaled to the sum 1 along an axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.testing import Case


class Softmax(Layer):
    """Turns scores along ``axis`` into probabilities."""

    facts = Facts(inplace=True, backward_reads=frozenset({"top"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the axis."""
        self.axis = bottom[0].axis(self.param.softmax_param.axis)


class SoftmaxKernel(Kernel):
    """Softmax on arrays."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate one number for each softmax."""
        self.one_each = one_each(bottom[0].data, self.layer.axis)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        softmax(bottom[0].data, self.layer.axis, top[0].data, self.one_each)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff."""
        if not propagate_down[0]:
            return
        y, dy, dx = top[0].data, top[0].diff, bottom[0].diff
        product = np.multiply(y, dy, out=self.workspace.like(y))
        total = np.add.reduce(product, self.layer.axis, out=self.one_each, keepdims=True)
        np.subtract(dy, total, out=dx)
        dx *= y


def one_each(scores: np.ndarray, axis: int) -> np.ndarray:
    """Return scratch for `softmax`: like `scores`, with length 1 along `axis`."""
    shape = list(scores.shape)
    shape[axis] = 1
    return np.empty(shape, scores.dtype)


def softmax(scores: np.ndarray, axis: int, out: np.ndarray, scratch: np.ndarray) -> None:
    """Write the softmax of `scores` along `axis` to `out`, which may be `scores` itself.

    The greatest score is subtracted first, so that no power overflows.

    Args:
        scores: Scores.
        axis: The axis along which the results sum to 1.
        out: Where to.
        scratch: What `one_each` made for this shape.
    """
    np.maximum.reduce(scores, axis, out=scratch, keepdims=True)
    np.subtract(scores, scratch, out=out)
    np.exp(out, out=out)
    np.add.reduce(out, axis, out=scratch, keepdims=True)
    out /= scratch


CASES = [
    Case(bottom=[(4, 6)]),
    Case(bottom=[(2, 3, 4, 5)], note="at each position of an image, over its channels"),
    Case("softmax_param { axis: -1 }", bottom=[(2, 3, 4)]),
    Case("softmax_param { axis: 0 }", bottom=[(5,)]),
    Case(bottom=[(3, 1, 2)], note="one class"),
]
