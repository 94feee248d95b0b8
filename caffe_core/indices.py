"""Indices: whole numbers in a blob that pick rows of a table or items of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_core.blob import Blob
from caffe_core.layer import Layer

_NO_INDEX = np.iinfo(np.intp).min


def whole_numbers(numbers: Any, out: Any, scratch: Any) -> None:
    """Write the whole part of each number; NaN, by which CPUs differ, becomes a negative one.

    Args:
        numbers: Real numbers.
        out: Where to; whole numbers of the same shape.
        scratch: Truth values of the same shape.
    """
    with np.errstate(invalid="ignore"):
        np.copyto(out, numbers, casting="unsafe")
    if np.isnan(numbers, out=scratch).any():
        out[scratch] = _NO_INDEX


class Indices:
    """Reads a bottom that holds indices. They come as real numbers and are cut to whole ones.

    Args:
        layer: The layer that reads them, for messages.
        bottom: Which of its bottoms.
        count: How many indices there are.
        limit: How many things they pick from.
        things: What these are, for messages: ``items of bottom 'data'``.
        remedy: What to do about an index that is out of range, for messages.

    Attributes:
        values: The indices, ``(count,)``.
    """

    def __init__(
        self, layer: Layer, bottom: int, count: int, limit: int, *, things: str, remedy: str
    ):
        self.layer, self.limit = layer, limit
        self._bottom, self._things, self._remedy = bottom, things, remedy
        self.values = np.zeros(count, np.intp)
        self._wrong = np.zeros(count, bool)

    def read(self, bottom: Blob) -> Any:
        """Take the indices from the bottom and return them.

        Raises:
            LayerError: An index picks nothing.
        """
        whole_numbers(bottom.data.reshape(-1), self.values, self._wrong)
        # Seen as unsigned, a negative index is above every other too.
        np.greater_equal(self.values.view(np.uintp), self.limit, out=self._wrong)
        if self._wrong.any():
            raise self._error(bottom)
        return self.values

    def _error(self, bottom: Blob) -> Exception:
        position = tuple(int(each) for each in np.argwhere(self._wrong.reshape(bottom.shape))[0])
        name = self.layer.param.bottom[self._bottom]
        return self.layer.error(
            f"index {bottom.data[position]:g} at {position} of bottom {name!r} is none of the "
            f"{self.limit} {self._things}, 0 to {self.limit - 1}; {self._remedy}"
        )
