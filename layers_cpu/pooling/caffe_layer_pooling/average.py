"""AVE: sums along H and then W, divided by the size of the window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_core.blob import Blob
from caffe_core.kernel import Workspace
from caffe_core.portions import Portions
from caffe_layer_pooling.layer import Pooling
from caffe_layer_pooling.taps import Taps


class AveragePooling:
    """The mean over each window. Padding counts as zeros; what lies beyond does not count."""

    def __init__(self, layer: Pooling, bottom: Blob, workspace: Workspace):
        high, wide = layer.windows
        columns, windows = (high.count, wide.length), (high.count, wide.count)
        self._down, self._across = Taps.down(high), Taps.across(wide)
        self._factor = (1 / np.outer(high.sizes(), wide.sizes())).astype(bottom.dtype)
        self._portions = Portions(
            bottom, workspace, (columns, bottom.dtype), (windows, bottom.dtype)
        )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        x, y = bottom[0].data, top[0].data
        for part, (columns, _) in self._portions:
            self._down.sum(x[part], columns)
            self._across.sum(columns, y[part])
            y[part] *= self._factor

    def backward(self, top: Sequence[Blob], bottom: Sequence[Blob]) -> None:
        """Write the bottom's diff."""
        dx, dy = bottom[0].diff, top[0].diff
        for part, (columns, share) in self._portions:
            np.multiply(dy[part], self._factor, out=share)
            self._across.spread(share, columns)
            self._down.spread(columns, dx[part])
