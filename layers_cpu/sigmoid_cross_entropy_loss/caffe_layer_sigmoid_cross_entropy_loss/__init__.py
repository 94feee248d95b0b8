"""SigmoidCrossEntropyLoss: the cross entropy of targets and the sigmoid of scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.loss import LossLayer
from caffe_core.normalization import divisor, normalization_mode
from caffe_core.portions import Portions
from caffe_core.testing import Case, labels, uniform


class SigmoidCrossEntropyLoss(LossLayer):
    """Minus (t log(p) + (1 - t) log(1 - p)) for each score x, where p = 1 / (1 + e ^ -x).

    Bottoms: scores, and targets t from 0 to 1, as many items of one size. ``loss_param`` says which
    target to ignore, compared after its fraction is cut off, and what the sum is divided by: the
    number of items unless told otherwise.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read ignored target and normalisation."""
        loss = self.param.loss_param
        self.ignore = loss.ignore_label if loss.HasField("ignore_label") else None
        self.normalization = normalization_mode(loss, default="BATCH_SIZE")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the loss a single number."""
        self.check_same_items(0, 1, bottom)
        super().reshape(bottom, top)


class SigmoidCrossEntropyLossKernel(Kernel):
    """SigmoidCrossEntropyLoss on arrays seen as ``(N, channels, positions)``.

    Forward leaves here p - t, by which the loss grows with each score.
    """

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate p - t, so that it can be seen in the shape of either bottom."""
        x = bottom[0]
        self.shape = (*(*x.shape, 1)[:2], x.span(2))
        alike = x.shape == bottom[1].shape
        self.slope = np.zeros_like(x.data, order="K" if alike else "C")
        self.targets = self.slope.reshape(bottom[1].shape)
        wanted = [(self.shape[2:], dtype) for dtype in (x.dtype, x.dtype, x.dtype, bool)]
        self.portions = Portions(x, self.workspace, *wanted)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        self.targets[...] = bottom[1].data
        x, slope = bottom[0].data.reshape(self.shape), self.slope.reshape(self.shape)
        total, ignored = 0.0, 0
        for part, (loss, power, work, ignore) in self.portions:
            if self.layer.ignore is not None:
                np.trunc(slope[part], out=work)
                np.equal(work, self.layer.ignore, out=ignore)
                ignored += int(np.count_nonzero(ignore))
            _cross_entropy(x[part], slope[part], loss, power, work)
            if self.layer.ignore is not None:
                loss[ignore] = slope[part][ignore] = 0
            total += float(loss.sum())
        self.divisor = divisor(
            self.layer.normalization,
            batch=self.shape[0],
            total=self.slope.size,
            valid=self.slope.size - ignored,
        )
        top[0].data[...] = total / self.divisor

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of the scores."""
        self.layer.refuse_gradients(propagate_down)
        if propagate_down[0]:
            np.multiply(self.slope, top[0].diff / self.divisor, out=bottom[0].diff)


def _cross_entropy(x: Any, slope: Any, loss: Any, power: Any, work: Any) -> None:
    """Write the loss for each score; replace the target that `slope` holds by p - t.

    With e = exp(-|x|), which cannot overflow, the loss is x ([x >= 0] - t) + log(1 + e), and p is
    max(e, [x >= 0]) / (1 + e).
    """
    np.abs(x, out=power)
    np.negative(power, out=power)
    np.exp(power, out=power)
    np.greater_equal(x, 0, out=work)
    np.subtract(work, slope, out=loss)
    loss *= x
    np.maximum(work, power, out=work)
    power += 1
    work /= power
    np.subtract(work, slope, out=slope)
    loss += np.log(power, out=power)


CASES = [
    Case(bottom=[(4, 6), uniform((4, 6), 0, 1)]),
    Case(
        "loss_param { ignore_label: 2 normalization: VALID }",
        bottom=[(2, 3, 4, 5), labels((2, 3, 4, 5), 3)],
        note="one of three targets is ignored",
    ),
    Case(
        "loss_param { normalization: FULL }",
        bottom=[(3, 2, 4, 2), uniform((3, 16), 0, 1)],
        note="shapes that differ within an item",
    ),
    Case("loss_param { normalization: NONE }", bottom=[(5,), uniform((5, 1), 0, 1)]),
    Case("loss_param { normalize: true }", bottom=[(2, 3, 4), uniform((2, 3, 4), 0, 1)]),
]
