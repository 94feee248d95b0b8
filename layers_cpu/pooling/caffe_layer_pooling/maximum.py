"""MAX: the largest of each row of a window, then the largest of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from caffe_core.blob import Blob
from caffe_core.kernel import Workspace
from caffe_core.layer import Phase
from caffe_core.portions import Portions
from caffe_layer_pooling.layer import Pooling
from caffe_layer_pooling.taps import LOWEST, Taps


class Scratch(NamedTuple):
    """Arrays to work in: for the rows of all windows, then for the windows."""

    row_maximum: Any
    row_share: Any
    row_flag: Any
    row_other: Any
    share: Any
    flag: Any
    other: Any


class MaxPooling:
    """The maximum over each window, and which element was the first to have it.

    Winners are noted in forward where backward is sure to come, else found when it comes.
    """

    def __init__(self, layer: Pooling, bottom: Blob, workspace: Workspace):
        high, wide = layer.windows
        rows, windows, real = (high.length, wide.count), (high.count, wide.count), bottom.dtype
        self._down, self._across = Taps.down(high), Taps.across(wide)
        self._portions = Portions(
            bottom,
            workspace,
            *((rows, kind) for kind in (real, real, bool, bool)),
            *((windows, kind) for kind in (real, bool, bool)),
        )
        self._row_winner = self._portions.keep(rows, np.min_scalar_type(wide.kernel))
        self._winner = self._portions.keep(windows, np.min_scalar_type(high.kernel))
        self._places = np.add.outer(np.arange(high.length) * wide.length, wide.starts())
        self._in_training = layer.phase is Phase.TRAIN

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top, and the mask if there is a second top."""
        x, y = bottom[0].data, top[0].data
        for part, arrays in self._portions:
            scratch = Scratch(*arrays)
            self._largest(x[part], y[part], scratch)
            if self._in_training or len(top) > 1:
                self._find(x[part], y[part], part, scratch)
            if len(top) > 1:
                self._index(y[part], top[1].data[part], part, scratch)

    def backward(self, top: Sequence[Blob], bottom: Sequence[Blob]) -> None:
        """Write the bottom's diff."""
        dx, dy = bottom[0].diff, top[0].diff
        for part, arrays in self._portions:
            scratch = Scratch(*arrays)
            if not self._in_training:
                x = bottom[0].data[part]
                self._largest(x, scratch.share, scratch)
                self._find(x, scratch.share, part, scratch)
            rows, row_winner = scratch.row_maximum, self._row_winner[part]
            self._down.route(dy[part], self._winner[part], rows, scratch.flag, scratch.share)
            self._across.route(rows, row_winner, dx[part], scratch.row_flag, scratch.row_share)

    def _largest(self, x: Any, y: Any, scratch: Scratch) -> None:
        self._across.largest(x, scratch.row_maximum)
        self._down.largest(scratch.row_maximum, y)

    def _find(self, x: Any, y: Any, part: slice, scratch: Scratch) -> None:
        """Note the first row of each window with the maximum, and in each row the first element."""
        rows = scratch.row_maximum
        row_winner, winner = self._row_winner[part], self._winner[part]
        self._across.find(x, rows, row_winner, scratch.row_flag, scratch.row_other)
        self._down.find(rows, y, winner, scratch.flag, scratch.other)

    def _index(self, y: Any, mask: Any, part: slice, scratch: Scratch) -> None:
        """Write the mask: where in the channel the winners are, -1 in windows that have none."""
        places = np.add(self._row_winner[part], self._places, out=scratch.row_share)
        self._down.choose(places, self._winner[part], mask, scratch.flag, scratch.share)
        np.copyto(mask, -1, where=np.less_equal(y, LOWEST, out=scratch.flag))
