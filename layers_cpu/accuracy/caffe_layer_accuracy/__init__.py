"""Accuracy: how often the label is among the classes with the highest scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.labels import Labels, check_label_count
from caffe_core.layer import Facts, Layer, between, exactly
from caffe_core.testing import Case, labels


class Accuracy(Layer):
    """The share of predictions whose label is among the ``top_k`` classes with the highest scores.

    Bottoms: scores with classes along ``axis``, and one label for each index of the other axes.
    Tops: the share, and, if asked for, the share for each class, 0 for a class without labels.
    A class that ties with the label's counts as higher; so does NaN. Labels equal to
    ``ignore_label`` do not count. There is no gradient.
    """

    bottoms = exactly(2)
    tops = between(1, 2)
    facts = Facts(backward_reads=frozenset())

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        param = self.param.accuracy_param
        self.axis = bottom[0].axis(param.axis)
        self.top_k = param.top_k
        self.ignore = param.ignore_label if param.HasField("ignore_label") else None

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make one number, and one for each class."""
        check_label_count(self, *bottom, self.axis)
        classes = bottom[0].shape[self.axis]
        if self.top_k > classes:
            raise self.error(
                f"top_k is {self.top_k}, bottom {self.param.bottom[0]!r} {bottom[0].shape} "
                f"has {classes} classes along axis {self.axis}; lower top_k or set axis"
            )
        top[0].reshape(())
        if len(top) > 1:
            top[1].reshape(classes)

    def allow_force_backward(self, bottom_index: int) -> bool:
        """Nothing gets a gradient."""
        return False


class AccuracyKernel(Kernel):
    """Accuracy on arrays."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate one number of each kind for each label."""
        scores = bottom[0].data
        self.labels = Labels(self.layer, scores, self.layer.axis, self.layer.ignore)
        self.picked = np.zeros(self.labels.values.shape, scores.dtype)
        self.lower = np.zeros_like(self.labels.values)
        self.hit = np.zeros_like(self.labels.valid)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the shares."""
        scores, found, axis = bottom[0].data, self.labels, self.layer.axis
        found.read(bottom[1])
        true = np.expand_dims(found.pick(scores, out=self.picked), axis)
        lower = np.less(scores, true, out=self.workspace.like(scores, bool))
        np.add.reduce(lower, axis, dtype=self.lower.dtype, out=self.lower)
        np.greater_equal(self.lower, found.classes - self.layer.top_k, out=self.hit)
        self.hit &= found.valid
        top[0].data[...] = np.count_nonzero(self.hit) / max(found.count, 1)
        if len(top) > 1:
            hits, labels = (
                np.bincount(found.values[where], minlength=found.classes)
                for where in (self.hit, found.valid)
            )
            np.divide(hits, np.maximum(labels, 1), out=top[1].data)


CASES = [
    Case(bottom=[(8, 5), labels((8,), 4)], phase="TEST", gradient=False),
    Case(
        "accuracy_param { top_k: 2 ignore_label: 1 }",
        bottom=[(2, 4, 3, 3), labels((2, 1, 3, 3), 3)],
        tops=2,
        phase="TEST",
        gradient=False,
        note="for each class too",
    ),
    Case("accuracy_param { axis: -1 }", bottom=[(3, 2, 6), labels((3, 2), 5)], gradient=False),
]
