"""ArgMax: where the largest values are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.testing import Case


class ArgMax(Layer):
    """Finds the ``top_k`` largest values of each item, or along ``axis`` if that is given.

    With ``axis``, the top has length ``top_k`` there and holds indices along the axis, or values
    with ``out_max_val``. Without, it is ``(N, 1, top_k)`` and holds indices within the flattened
    item, or ``(N, 2, top_k)`` with ``out_max_val``: indices, then values; axes of length 1 follow
    if the bottom has more than three. The largest comes first; of equal values the one with the
    larger index, as in Caffe. NaN counts as the least. There is no gradient.
    """

    facts = Facts(backward_reads=frozenset())

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        param = self.param.argmax_param
        self.axis = bottom[0].axis(param.axis) if param.HasField("axis") else None
        self.top_k, self.values = param.top_k, param.out_max_val
        if self.top_k == 0:
            raise self.error("top_k must be at least 1; change it")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make room for the largest."""
        shape = bottom[0].shape
        self.axes = tuple(range(1, len(shape))) if self.axis is None else (self.axis,)
        length = math.prod(shape[axis] for axis in self.axes)
        if self.top_k > length:
            where = "in an item" if self.axis is None else f"along axis {self.axis}"
            raise self.error(
                f"top_k is {self.top_k}, bottom {self.param.bottom[0]!r} {shape} has {length} "
                f"values {where}; lower top_k"
            )
        if self.axis is None:
            num = shape[bottom[0].axis(0)]
            top[0].reshape(num, 1 + self.values, self.top_k, *(1,) * (len(shape) - 3))
        else:
            top[0].reshape(*shape[: self.axis], self.top_k, *shape[self.axis + 1 :])

    def allow_force_backward(self, bottom_index: int) -> bool:
        """Nothing gets a gradient."""
        return False

    def refuse_gradients(self, propagate_down: Sequence[bool]) -> None:
        """Raise a LayerError if an index is asked for a gradient."""
        if propagate_down[0]:
            raise self.error(
                f"bottom {self.param.bottom[0]!r} is asked for a gradient, but an index has none; "
                "let no loss depend on the top, or set propagate_down: false"
            )


class ArgMaxKernel(Kernel):
    """ArgMax by as many searches for the maximum as there are places to find."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Number the places and allocate what is left of the bottom after each search."""
        xp, x, axes = self.xp, bottom[0].data, self.layer.axes
        lengths = [length if axis in axes else 1 for axis, length in enumerate(x.shape)]
        others = [1 if axis in axes else length for axis, length in enumerate(x.shape)]
        self.length = math.prod(lengths)
        self.numbers = xp.arange(self.length, dtype=x.dtype).reshape(lengths)
        self.maximum, self.number = xp.empty((2, *others), x.dtype)
        self.rest, self.found = xp.empty_like(x), xp.empty_like(x, dtype=bool)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        xp, layer = self.xp, self.layer
        xp.fmax(bottom[0].data, -xp.inf, out=self.rest)
        for place in range(layer.top_k):
            numbers = self._search()
            self._write(top[0].data, place)
            if place + 1 < layer.top_k:
                self._take_out(numbers)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Refuse."""
        self.layer.refuse_gradients(propagate_down)

    def _search(self) -> Any:
        """Find the largest value that is left, and the largest of the numbers of its places.

        Returns:
            The number of each place that has the largest value; others are negative.
        """
        xp, axes = self.xp, self.layer.axes
        xp.fmax.reduce(self.rest, axes, out=self.maximum, keepdims=True)
        numbers = xp.greater_equal(self.rest, self.maximum, out=self.workspace.like(self.rest))
        numbers -= 1
        numbers *= self.length
        numbers += self.numbers
        xp.maximum.reduce(numbers, axes, out=self.number, keepdims=True)
        return numbers

    def _take_out(self, numbers: Any) -> None:
        """Let no search find the same place again: NaN is no maximum, even of infinities."""
        self.xp.equal(numbers, self.number, out=self.found)
        self.xp.copyto(self.rest, self.xp.nan, where=self.found)

    def _write(self, y: Any, place: int) -> None:
        layer = self.layer
        if layer.axis is not None:
            at = (*(slice(None),) * layer.axis, slice(place, place + 1))
            y[at] = self.maximum if layer.values else self.number
            return
        for part, found in zip(range(y.shape[1]), (self.number, self.maximum), strict=False):
            y[:, part, place] = found.reshape(y[:, part, place].shape)


CASES = [
    Case(bottom=[(3, 6)], note="the index within each item"),
    Case("argmax_param { top_k: 3 out_max_val: true }", bottom=[(2, 3, 4, 5)]),
    Case("argmax_param { axis: 1 }", bottom=[(2, 4, 3, 5)], note="the class of each pixel"),
    Case("argmax_param { axis: -1 top_k: 2 out_max_val: true }", bottom=[(2, 3, 4)]),
    Case("argmax_param { axis: 0 top_k: 4 }", bottom=[(4,)], note="all, sorted"),
]
