"""The CUDA kernel of Pooling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from caffe_layer_pooling import Pooling

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import around
from caffe_core.cuda.source import Source
from caffe_core.layer import Phase
from caffe_core.proto import caffe_pb2

_MAX = caffe_pb2.PoolingParameter.MAX
_AVE = caffe_pb2.PoolingParameter.AVE


class PoolingKernel(CudaKernel):
    """Pooling with a thread for each window forward, and for each element of an image backward.

    MAX, and STOCHASTIC in phase TRAIN, note which element each window took.
    """

    formats = ANY_FORMAT
    source = Source.beside(__file__, "pooling.cu")
    layer: Pooling

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Lay the windows out over the present shapes."""
        _, inner = around(bottom[0], 2, 4)
        high, wide = self.layer.windows
        sides = ("length", "count", "kernel", "stride", "pad")
        self.windows = self.ints(
            *(getattr(each, side) for side in sides for each in (high, wide)), inner
        )
        expected = self.layer.method != _MAX and self.layer.phase is Phase.TEST
        self.chosen = None
        if self.layer.method != _AVE and not expected:
            self.chosen = self.xp.empty(top[0].count, np.int32)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the tops."""
        x, y = bottom[0].read(), top[0].overwrite()
        if self.layer.method == _AVE:
            self.function("average")(y.size, x, y, self.windows)
        elif self.layer.method == _MAX:
            mask = top[1].overwrite() if len(top) > 1 else None
            self.function("greatest")(y.size, x, y, self.chosen, mask, self.windows)
        elif self.chosen is not None:
            key = int(self.layer.rng.integers(1 << 63))
            self.function("drawn")(y.size, x, y, self.chosen, key, self.windows)
        else:
            self.function("expected")(y.size, x, y, self.windows)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff; the mask has no gradient."""
        if not propagate_down[0]:
            return
        dy, dx = top[0].read_diff(), bottom[0].overwrite_diff()
        if self.layer.method == _AVE:
            self.function("average_backward")(dx.size, dy, dx, self.windows)
        elif self.chosen is not None:
            self.function("chosen_backward")(dx.size, dy, dx, self.chosen, self.windows)
        else:
            x, y = bottom[0].read(), top[0].read()
            self.function("expected_backward")(dx.size, x, y, dy, dx, self.windows)
