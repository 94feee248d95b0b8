"""Labels: whole numbers that pick one score each out of several classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_core.blob import Blob
from caffe_core.indices import whole_numbers
from caffe_core.layer import Layer
from caffe_core.rows import in_memory_order


def check_label_count(layer: Layer, scores: Blob, labels: Blob, axis: int) -> None:
    """Check that there is one label for each index of the axes of `scores` other than `axis`.

    Raises:
        LayerError: There are more or fewer.
    """
    wanted = scores.span(0, axis) * scores.span(axis + 1)
    if labels.count != wanted:
        names = layer.param.bottom
        raise layer.error(
            f"bottom {names[0]!r} {scores.shape} with its classes along axis {axis} needs {wanted} "
            f"labels, bottom {names[1]!r} {labels.shape} has {labels.count}; "
            "give one label for each prediction, or set axis"
        )


def check_label_an_item(layer: Layer, scores: Blob, labels: Blob) -> None:
    """Check that there is one label for each item, each index of the first axis of `scores`.

    Raises:
        LayerError: There are more or fewer.
    """
    wanted = scores.shape[scores.axis(0)]
    if labels.count != wanted:
        names = layer.param.bottom
        raise layer.error(
            f"bottom {names[0]!r} {scores.shape} needs {wanted} labels, one for each item, "
            f"bottom {names[1]!r} {labels.shape} has {labels.count}; give as many"
        )


class Labels:
    """Reads a blob of labels and finds the score that each of them names.

    Scores have an axis of classes; there is one label for each index of the other axes. Labels may
    have any shape that holds so many, such as ``(N, 1, H, W)`` for scores ``(N, C, H, W)``. They
    come as real numbers and are cut to whole ones. All memory is allocated here and used again.

    Args:
        layer: The layer that reads the labels, for messages.
        scores: An array of scores; later ones have its shape and memory order.
        axis: Axis of the classes.
        ignore: Label of what does not count; None if all do.

    Attributes:
        values: The labels, shaped like the scores without the axis of classes; 0 where ignored.
        valid: Where labels count.
        count: How many labels count.
    """

    def __init__(self, layer: Layer, scores: np.ndarray, axis: int, ignore: int | None):
        self.layer, self.ignore = layer, ignore
        self.classes = scores.shape[axis]
        steps = [stride // scores.itemsize for stride in scores.strides]
        self._step = steps[axis]
        others = [each for each in range(scores.ndim) if each != axis]
        self._first = _places([scores.shape[i] for i in others], [steps[i] for i in others])
        self.values = np.zeros_like(self._first)
        self.valid = np.ones(self.values.shape, bool)
        self.count = self.values.size
        self._places = np.zeros_like(self._first)
        self._wrong = np.zeros_like(self.valid)

    def read(self, blob: Blob) -> None:
        """Take the labels from a blob.

        Raises:
            LayerError: A label that counts names no class.
        """
        whole_numbers(blob.data, self.values.reshape(blob.shape), self._wrong.reshape(blob.shape))
        if self.ignore is not None:
            np.not_equal(self.values, self.ignore, out=self.valid)
            self.count = int(np.count_nonzero(self.valid))
            self.values *= self.valid
        # Seen as unsigned, a negative label is above every class too.
        np.greater_equal(self.values.view(np.uintp), self.classes, out=self._wrong)
        if self._wrong.any():
            raise self._error(blob)
        np.multiply(self.values, self._step, out=self._places)
        self._places += self._first

    def pick(self, scores: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Write the score of each label to `out`, shaped as `values`, and return it."""
        np.take(in_memory_order(scores), self._places, out=out, mode="clip")
        return out

    def put(self, scores: np.ndarray, picked: np.ndarray) -> None:
        """Replace the score of each label."""
        in_memory_order(scores)[self._places] = picked

    def _error(self, blob: Blob) -> Exception:
        position = tuple(int(each) for each in np.argwhere(self._wrong.reshape(blob.shape))[0])
        return self.layer.error(
            f"label {blob.data[position]:g} at {position} of bottom {self.layer.param.bottom[1]!r} "
            f"is none of the {self.classes} classes, 0 to {self.classes - 1}, that bottom "
            f"{self.layer.param.bottom[0]!r} has scores for; correct the labels or the number of "
            "scores, or set ignore_label if such items shall not count"
        )


def _places(shape: list[int], steps: list[int]) -> Any:
    """Where each index of `shape` lies in memory, with these steps for each axis."""
    places = np.zeros(shape, np.intp)
    for axis, (length, step) in enumerate(zip(shape, steps, strict=True)):
        line = [1] * len(shape)
        line[axis] = length
        places += (np.arange(length) * step).reshape(line)
    return places
