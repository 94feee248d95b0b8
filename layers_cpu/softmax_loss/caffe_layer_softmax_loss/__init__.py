"""SoftmaxWithLoss: minus the logarithm of the probability that softmax gives to each label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from caffe_layer_softmax import one_each, softmax

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.labels import Labels, check_label_count
from caffe_core.layer import between
from caffe_core.loss import LossLayer
from caffe_core.normalization import divisor, normalization_mode
from caffe_core.testing import Case, labels


class SoftmaxWithLoss(LossLayer):
    """Multinomial logistic loss of the softmax of scores, computed together for accuracy.

    Bottoms: scores with classes along ``softmax_param.axis``, and one label, from 0 to classes - 1,
    for each index of the other axes. Tops: the loss, and, if asked for, the probabilities.
    ``loss_param`` says which label to ignore and what the sum is divided by.
    """

    tops = between(1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read axis, ignored label and normalisation."""
        loss = self.param.loss_param
        self.axis = bottom[0].axis(self.param.softmax_param.axis)
        self.ignore = loss.ignore_label if loss.HasField("ignore_label") else None
        self.normalization = normalization_mode(loss)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the loss a single number."""
        check_label_count(self, *bottom, self.axis)
        super().reshape(bottom, top)
        if len(top) > 1:
            top[1].reshape(bottom[0].shape)


class SoftmaxWithLossKernel(Kernel):
    """SoftmaxWithLoss on arrays. Backward uses the probabilities that forward leaves here."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the probabilities and one number for each label."""
        scores, axis = bottom[0].data, self.layer.axis
        self.labels = Labels(self.layer, scores, axis, self.layer.ignore)
        self.prob = np.zeros_like(scores)
        self.one_each = one_each(scores, axis)
        self.picked = np.zeros(self.labels.values.shape, scores.dtype)
        self.logarithms = np.zeros_like(self.picked)
        self.batch = bottom[0].span(0, axis)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss, and the probabilities if they are a top."""
        softmax(bottom[0].read(), self.layer.axis, self.prob, self.one_each)
        self.score(bottom, top)

    def score(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss of the probabilities at hand, and these if they are a top."""
        self.labels.read(bottom[1])
        self.labels.pick(self.prob, out=self.picked)
        # Clamped as in Caffe, at the least normal number of single precision.
        np.maximum(self.picked, np.finfo(np.float32).tiny, out=self.logarithms)
        np.log(self.logarithms, out=self.logarithms)
        self.logarithms *= self.labels.valid
        top[0].data[...] = -self.logarithms.sum() / self._divisor()
        if len(top) > 1:
            top[1].data[...] = self.prob

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of the scores: the probabilities, less 1 at each label."""
        self.layer.refuse_gradients(propagate_down)
        if not propagate_down[0]:
            return
        weights = self.one_each
        scale = float(top[0].diff) / self._divisor()
        np.multiply(self.labels.valid, scale, out=weights.squeeze(self.layer.axis))
        self.labels.put(self.prob, np.subtract(self.picked, 1, out=self.logarithms))
        np.multiply(self.prob, weights, out=bottom[0].diff)
        self.labels.put(self.prob, self.picked)

    def _divisor(self) -> int:
        found = self.labels
        return divisor(
            self.layer.normalization, batch=self.batch, total=found.values.size, valid=found.count
        )


CASES = [
    Case(bottom=[(4, 6), labels((4,), 5)], note="one label for each item"),
    Case(
        "loss_param { ignore_label: 2 }",
        bottom=[(2, 5, 3, 4), labels((2, 1, 3, 4), 4)],
        tops=2,
        note="one label for each pixel",
    ),
    Case(
        "softmax_param { axis: -1 } loss_param { normalization: FULL }",
        bottom=[(2, 3, 4), labels((2, 3), 3)],
    ),
    Case("loss_param { normalization: BATCH_SIZE }", bottom=[(2, 3, 4), labels((2, 4), 2)]),
    Case("loss_param { normalization: NONE }", bottom=[(3, 4), labels((3, 1), 3)]),
    Case("loss_param { normalize: false }", bottom=[(3, 4), labels((3, 1, 1, 1), 3)]),
]
