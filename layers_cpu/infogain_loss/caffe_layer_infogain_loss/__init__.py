"""InfogainLoss: the softmax loss with a say for every class, as a matrix gives it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from caffe_layer_softmax import one_each, softmax

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.labels import Labels, check_label_count
from caffe_core.layer import between
from caffe_core.loss import LossLayer
from caffe_core.normalization import divisor, normalization_mode
from caffe_core.proto import caffe_pb2
from caffe_core.proto.blob_file import read_blob_file
from caffe_core.testing import Case, labels, uniform

_LEAST = 1e-20  # no probability counts as less, as in Caffe


class InfogainLoss(LossLayer):
    """Minus the sum, over the classes k, of ``H[label, k]`` log(p[k]), p being the softmax.

    Bottoms: scores with K classes along ``axis``; one label, from 0 to K - 1, for each index of the
    other axes; and, unless ``source`` names a ``.binaryproto`` file that holds it, the matrix H of
    K times K numbers. Tops: the loss, and, if asked for, the probabilities. ``loss_param`` says
    which label to ignore and what the sum is divided by.
    """

    bottoms = between(2, 3)
    tops = between(1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters, and the matrix if it is in a file."""
        param, loss = self.param.infogain_loss_param, self.param.loss_param
        if loss.HasField("normalize"):
            raise self.error("does not know loss_param.normalize; use normalization instead")
        if len(bottom) < 3 and not param.source:
            raise self.error("has no matrix; set infogain_loss_param.source, or give a bottom 2")
        self.axis = bottom[0].axis(param.axis)
        self.ignore = loss.ignore_label if loss.HasField("ignore_label") else None
        self.normalization = normalization_mode(loss)
        self.source = param.source if len(bottom) < 3 else ""
        self.matrix = read_blob_file(self.source).data.astype(self.dtype) if self.source else None

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the loss a single number."""
        check_label_count(self, *bottom[:2], self.axis)
        classes = bottom[0].shape[self.axis]
        matrix = bottom[2] if self.matrix is None else self.matrix
        if int(np.prod(matrix.shape)) != classes**2:
            where = self.source or self.param.bottom[2]
            raise self.error(
                f"the matrix in {where!r} is {matrix.shape}, but bottom {self.param.bottom[0]!r} "
                f"{bottom[0].shape} has {classes} classes along axis {self.axis}; "
                f"give {classes} x {classes} numbers, or set axis"
            )
        super().reshape(bottom, top)
        if len(top) > 1:
            top[1].reshape(bottom[0].shape)


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


def _write_matrix(folder: Path) -> None:
    numbers = [1, 0.25, 0, 0, 2, -0.5, 0.125, 0, 1]
    blob = caffe_pb2.BlobProto(shape={"dim": (3, 3)}, data=numbers)
    (folder / "H.binaryproto").write_bytes(blob.SerializeToString())


_MATRIX = uniform((5, 5), -1, 2)

CASES = [
    Case(
        'infogain_loss_param { source: "H.binaryproto" }',
        bottom=[(4, 3), labels((4,), 3)],
        files=_write_matrix,
        note="the matrix in a file",
    ),
    Case(
        "loss_param { ignore_label: 2 }",
        bottom=[(2, 5, 3, 4), labels((2, 1, 3, 4), 4), _MATRIX],
        tops=2,
        note="the matrix as a bottom, one label for each pixel",
    ),
    Case(
        "infogain_loss_param { axis: -1 } loss_param { normalization: BATCH_SIZE }",
        bottom=[(2, 3, 5), labels((2, 3), 5), _MATRIX],
    ),
    Case(
        "loss_param { normalization: NONE }",
        bottom=[(4, 5), labels((4, 1), 5), uniform((1, 1, 5, 5), 0, 1)],
    ),
]
