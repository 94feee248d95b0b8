"""STOCHASTIC: an element drawn in proportion to its value, or, in phase TEST, the expectation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_core.blob import Blob
from caffe_core.kernel import Workspace
from caffe_core.portions import Portions
from caffe_layer_pooling.layer import Pooling
from caffe_layer_pooling.taps import Taps


class RandomPooling:
    """One element of each window, drawn with a probability in proportion to its value."""

    def __init__(self, layer: Pooling, bottom: Blob, workspace: Workspace):
        high, wide = layer.windows
        windows = (high.count, wide.count)
        kinds = (bottom.dtype, bottom.dtype, bool, bool)
        self._rng = layer.rng
        self._taps = Taps.over(high, wide)
        self._portions = Portions(bottom, workspace, *((windows, kind) for kind in kinds))
        self._winner = self._portions.keep(windows, np.min_scalar_type(high.kernel * wide.kernel))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Draw, and write the top."""
        x, y = bottom[0].data, top[0].data
        for part, (threshold, share, flag, other) in self._portions:
            winner = self._winner[part]
            self._draw(threshold, share)
            self._taps.sum(x[part], share)
            threshold *= share
            self._taps.draw(x[part], threshold, winner, flag, other, share)
            self._taps.choose(x[part], winner, y[part], flag, share)

    def backward(self, top: Sequence[Blob], bottom: Sequence[Blob]) -> None:
        """Write the bottom's diff: each gradient goes to the element drawn."""
        dx, dy = bottom[0].diff, top[0].diff
        for part, (_, share, flag, _) in self._portions:
            self._taps.route(dy[part], self._winner[part], dx[part], flag, share)

    def _draw(self, numbers: Any, spare: Any) -> None:
        """Draw numbers above 0, up to 1; the same ones in either memory format."""
        drawn = spare.ravel(order="K").reshape(spare.shape)
        self._rng.random(out=drawn, dtype=drawn.dtype)
        np.subtract(1, drawn, out=numbers)


class ExpectedPooling:
    """What drawing gives on average: the sum of squares over the sum; 0 if that is not positive."""

    def __init__(self, layer: Pooling, bottom: Blob, workspace: Workspace):
        high, wide = layer.windows
        windows, real = (high.count, wide.count), bottom.dtype
        self._down, self._across = Taps.down(high), Taps.across(wide)
        self._portions = Portions(
            bottom,
            workspace,
            ((high.length, wide.length), real),
            ((high.length, wide.count), real),
            (windows, real),
            (windows, bool),
        )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        x, y = bottom[0].data, top[0].data
        for part, (squares, rows, total, flag) in self._portions:
            self._sum(x[part], rows, total, flag)
            self._across.sum(np.square(x[part], out=squares), rows)
            self._down.sum(rows, y[part])
            y[part] /= total

    def backward(self, top: Sequence[Blob], bottom: Sequence[Blob]) -> None:
        """Write the bottom's diff: (2 x - y) / sum times the top's, over all windows."""
        x, y = bottom[0].data, top[0].data
        dx, dy = bottom[0].diff, top[0].diff
        for part, (other, rows, total, flag) in self._portions:
            self._sum(x[part], rows, total, flag)
            share = np.divide(dy[part], total, out=total)
            self._spread(share, rows, dx[part])
            dx[part] *= x[part]
            dx[part] *= 2
            share *= y[part]
            self._spread(share, rows, other)
            dx[part] -= other

    def _sum(self, x: Any, rows: Any, total: Any, flag: Any) -> None:
        """Write the sum of each window; infinity, by which division gives 0, if not positive."""
        self._across.sum(x, rows)
        self._down.sum(rows, total)
        np.copyto(total, np.inf, where=np.less_equal(total, 0, out=flag))

    def _spread(self, y: Any, rows: Any, x: Any) -> None:
        self._down.spread(y, rows)
        self._across.spread(rows, x)
