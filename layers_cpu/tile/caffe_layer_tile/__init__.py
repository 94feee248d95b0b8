"""Tile: a bottom repeated along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.testing import Case


class Tile(Layer):
    """Puts ``tiles`` copies of the bottom one after the other along ``axis``."""

    facts = Facts(backward_reads=frozenset())

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the axis and the number of copies."""
        param = self.param.tile_param
        self.axis, self.tiles = bottom[0].axis(param.axis), param.tiles
        if self.tiles < 1:
            raise self.error(f"tiles must be at least 1, got {self.tiles}; set tile_param.tiles")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the axis longer."""
        shape = bottom[0].shape
        length = shape[self.axis] * self.tiles
        top[0].reshape(*shape[: self.axis], length, *shape[self.axis + 1 :])


class TileKernel(Kernel):
    """Tile on arrays."""

    formats = ANY_FORMAT

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        copies = self._copies(top[0].data, bottom[0].data)
        copies[...] = self.xp.expand_dims(bottom[0].data, self.layer.axis)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the sum of the copies' diffs."""
        if propagate_down[0]:
            copies = self._copies(top[0].diff, bottom[0].diff)
            self.xp.add.reduce(copies, axis=self.layer.axis, out=bottom[0].diff)

    def _copies(self, y: Any, x: Any) -> Any:
        """A view of the top with an axis for the copies; cutting an axis in two never copies."""
        axis = self.layer.axis
        return y.reshape(*x.shape[:axis], self.layer.tiles, *x.shape[axis:])


CASES = [
    Case("tile_param { tiles: 3 }", bottom=[(2, 2, 4, 5)], note="channels"),
    Case("tile_param { axis: 0 tiles: 2 }", bottom=[(3, 4)]),
    Case("tile_param { axis: -1 tiles: 4 }", bottom=[(2, 3, 1)], note="one column as many"),
    Case("tile_param { axis: 2 tiles: 1 }", bottom=[(2, 3, 4)], note="a copy"),
]
