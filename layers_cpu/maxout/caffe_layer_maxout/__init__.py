"""Maxout: y = the greatest of some channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.proto.plugin_message import PluginMessage
from caffe_core.testing import Case


class Maxout(Layer):
    """Makes one channel of each ``pieces`` that follow one another along ``axis``: their maximum.

    Behind an InnerProduct or Convolution that is a learned activation function. Where pieces tie,
    the first gets the gradient.

    Source: Goodfellow et al., "Maxout networks", 2013.
    """

    maxout_param = PluginMessage(pieces=2, axis=1)

    facts = Facts(backward_reads=frozenset({"bottom", "top"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        self.pieces = self.maxout_param.pieces
        self.axis = bottom[0].axis(self.maxout_param.axis)
        if self.pieces < 1:
            raise self.error(f"pieces is {self.pieces}; expected at least 1")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Divide the axis by the number of pieces."""
        shape = list(bottom[0].shape)
        shape[self.axis], rest = divmod(shape[self.axis], self.pieces)
        if rest:
            raise self.error(
                f"bottom {self.param.bottom[0]!r} {bottom[0].shape} cannot be divided along axis "
                f"{self.axis} by {self.pieces} pieces; change pieces, or the num_output below"
            )
        top[0].reshape(shape)


class MaxoutKernel(Kernel):
    """Maxout on arrays."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate a mark for each element of the top."""
        self.free = self.xp.empty_like(top[0].data, dtype=bool) if self.need_backward else None

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        y = top[0].data
        first, *rest = self._pieces(bottom[0].data)
        self.xp.maximum(first, rest[-1] if rest else first, out=y)
        for piece in rest[:-1]:
            self.xp.maximum(y, piece, out=y)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the top's diff where a piece is the first to equal the top, 0 elsewhere."""
        if not propagate_down[0]:
            return
        y, dy = top[0].data, top[0].diff
        wins = self.workspace.like(y, bool)
        self.free[...] = True
        pieces = zip(self._pieces(bottom[0].data), self._pieces(bottom[0].diff), strict=True)
        for x, dx in pieces:
            self.xp.equal(x, y, out=wins)
            wins &= self.free
            self.free ^= wins
            self.xp.multiply(dy, wins, out=dx)

    def _pieces(self, array: Any) -> Iterator[Any]:
        """Views of the pieces of a bottom's array, each in the shape of the top."""
        before = (slice(None),) * self.layer.axis
        count = self.layer.pieces
        return (array[(*before, slice(piece, None, count))] for piece in range(count))


CASES = [
    Case(bottom=[(3, 8)]),
    Case("maxout_param { pieces: 3 }", bottom=[(2, 6, 4, 5)], note="behind a convolution"),
    Case("maxout_param { pieces: 5 axis: -1 }", bottom=[(2, 3, 5)], note="to one channel"),
    Case("maxout_param { axis: 2 }", bottom=[(2, 3, 4, 5)]),
    Case("maxout_param { pieces: 1 }", bottom=[(2, 3)], note="a copy"),
]
