"""InfogainLoss on NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from caffe_layer_softmax import one_each, softmax

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.labels import Labels
from caffe_core.normalization import divisor

_LEAST = 1e-20  # no probability counts as less, as in Caffe


class InfogainLossKernel(Kernel):
    """InfogainLoss on arrays. Forward leaves here the probabilities and each label's row of H."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the probabilities and a row for each label."""
        scores, axis = bottom[0].data, self.layer.axis
        self.labels = Labels(self.layer, scores, axis, self.layer.ignore)
        self.prob = np.zeros_like(scores)
        self.one_each = one_each(scores, axis)
        self.rows = np.zeros((*self.labels.values.shape, scores.shape[axis]), scores.dtype)
        self.like_scores = np.moveaxis(self.rows, -1, axis)
        self.batch = bottom[0].span(0, axis)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss, and the probabilities if they are a top."""
        softmax(bottom[0].data, self.layer.axis, self.prob, self.one_each)
        self.labels.read(bottom[1])
        matrix = bottom[2].data if self.layer.matrix is None else self.layer.matrix
        matrix = matrix.reshape(2 * self.rows.shape[-1:])
        np.take(matrix, self.labels.values, axis=0, out=self.rows, mode="clip")
        self.rows *= self.labels.valid[..., None]
        terms = np.maximum(self.prob, _LEAST, out=self.workspace.like(self.prob))
        np.log(terms, out=terms)
        terms *= self.like_scores
        top[0].data[...] = -terms.sum() / self._divisor()
        if len(top) > 1:
            top[1].data[...] = self.prob

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of the scores: the probabilities times the row's sum, less the row."""
        self.layer.refuse_gradients(propagate_down)
        if not propagate_down[0]:
            return
        dx, totals = bottom[0].diff, self.one_each
        np.add.reduce(self.like_scores, self.layer.axis, out=totals, keepdims=True)
        np.multiply(self.prob, totals, out=dx)
        dx -= self.like_scores
        dx *= top[0].diff / self._divisor()

    def _divisor(self) -> int:
        found = self.labels
        return divisor(
            self.layer.normalization, batch=self.batch, total=found.values.size, valid=found.count
        )
