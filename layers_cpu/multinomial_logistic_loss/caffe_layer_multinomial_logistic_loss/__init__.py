"""MultinomialLogisticLoss: minus the logarithm of the probability given for each label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_core.blob import Blob
from caffe_core.kernel import Kernel
from caffe_core.labels import Labels, check_label_an_item
from caffe_core.loss import LossLayer
from caffe_core.testing import Case, labels, uniform

_LEAST = 1e-20  # no probability counts as less, as in Caffe


class MultinomialLogisticLoss(LossLayer):
    """Average, over the items, of minus the logarithm of the label's probability.

    Bottoms: probabilities, all axes but the first counting as classes, such as Softmax makes them,
    and one label for each item, from 0 to classes - 1. SoftmaxWithLoss takes scores instead, and
    its gradient is more accurate.
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the loss a single number."""
        check_label_an_item(self, *bottom)
        super().reshape(bottom, top)


class MultinomialLogisticLossKernel(Kernel):
    """MultinomialLogisticLoss on arrays. Forward leaves here each label's probability."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate a few numbers for each label."""
        self.shape = (bottom[0].span(0, 1), bottom[0].span(1))
        self.items = max(self.shape[0], 1)
        self.labels = Labels(self.layer, bottom[0].data.reshape(self.shape), 1, None)
        self.picked, self.work = np.zeros((2, self.shape[0]), bottom[0].dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        self.labels.read(bottom[1])
        self.labels.pick(bottom[0].data.reshape(self.shape), out=self.picked)
        np.maximum(self.picked, _LEAST, out=self.picked)
        np.log(self.picked, out=self.work)
        top[0].data[...] = -self.work.sum() / self.items

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of the probabilities: 0 but for the labels."""
        self.layer.refuse_gradients(propagate_down)
        if not propagate_down[0]:
            return
        dx = bottom[0].diff.reshape(self.shape)
        dx.fill(0)
        self.labels.put(dx, np.divide(-top[0].diff / self.items, self.picked, out=self.work))


CASES = [
    Case(bottom=[uniform((4, 6), 0.1, 1), labels((4,), 6)]),
    Case(
        "loss_weight: 2",
        bottom=[uniform((3, 2, 2, 3), 0.1, 1), labels((3, 1, 1, 1), 12)],
        note="every number of an item is a class",
    ),
    Case(
        bottom=[uniform((3, 5), -1, 0), labels((3, 1), 5)],
        gradient=False,
        note="no probability at all",
    ),
]
