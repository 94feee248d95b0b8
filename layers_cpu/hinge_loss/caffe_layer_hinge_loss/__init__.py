"""HingeLoss: what the scores of each item lack to lie 1 on the right side of 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_core.blob import Blob
from caffe_core.kernel import Kernel
from caffe_core.labels import Labels, check_label_an_item
from caffe_core.loss import LossLayer
from caffe_core.proto import caffe_pb2
from caffe_core.testing import Case, labels


class HingeLoss(LossLayer):
    """Sum of max(0, 1 - x) for the label's score x and max(0, 1 + x) for all others, over N.

    Bottoms: scores, all axes but the first counting as classes, and one label for each of the N
    items, from 0 to classes - 1. With ``norm: L2`` each part of the sum is squared.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the norm."""
        self.squared = self.param.hinge_loss_param.norm == caffe_pb2.HingeLossParameter.L2

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the loss a single number."""
        check_label_an_item(self, *bottom)
        super().reshape(bottom, top)


class HingeLossKernel(Kernel):
    """HingeLoss on arrays. Forward leaves here what each score lacks."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate one number for each score and a few for each label."""
        self.items = max(bottom[0].shape[0], 1)
        self.lack = np.zeros((bottom[0].span(0, 1), bottom[0].span(1)), bottom[0].dtype)
        self.labels = Labels(self.layer, self.lack, 1, None)
        self.picked = np.zeros(len(self.lack), self.lack.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        lack = self.lack
        lack[...] = bottom[0].data.reshape(lack.shape)
        self.labels.read(bottom[1])
        self._turn_labels(lack)
        lack += 1
        np.maximum(lack, 0, out=lack)
        loss = np.vdot(lack, lack) if self.layer.squared else lack.sum()
        top[0].data[...] = loss / self.items

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of the scores."""
        self.layer.refuse_gradients(propagate_down)
        if not propagate_down[0]:
            return
        dx = bottom[0].diff.reshape(self.lack.shape)
        scale = top[0].diff / self.items
        if self.layer.squared:
            np.multiply(self.lack, 2 * scale, out=dx)
        else:
            np.sign(self.lack, out=dx)
            dx *= scale
        self._turn_labels(dx)

    def _turn_labels(self, scores: np.ndarray) -> None:
        """Change the sign of each label's score."""
        picked = self.labels.pick(scores, out=self.picked)
        self.labels.put(scores, np.negative(picked, out=picked))


CASES = [
    Case(bottom=[(4, 6), labels((4,), 6)]),
    Case("hinge_loss_param { norm: L2 }", bottom=[(4, 6), labels((4, 1), 6)]),
    Case(
        "loss_weight: -0.5",
        bottom=[(3, 2, 2, 3), labels((3, 1, 1, 1), 12)],
        note="every score of an item is a class",
    ),
]
