"""The CUDA kernel of Reduction."""

from __future__ import annotations

import math
from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import around
from caffe_core.cuda.source import Source

_OPERATIONS = {"SUM": 0, "MEAN": 0, "ASUM": 1, "SUMSQ": 2}  # the enum Operation
_WARP = 32
_THREADS = 256
_SHORT = 512  # a row that one warp adds up fastest
_PART = 8192  # elements that a block adds up: enough to be worth it
_BLOCKS = 1024  # that keep a GPU busy


class ReductionKernel(CudaKernel):
    """Reduction, sums in a fixed order: several blocks share the sum of a long row.

    In memory the bottom is ``(outer, length, inner)``, the top ``(outer, inner)``; `inner` is more
    than 1 only if the bottom is channels-last.
    """

    formats = ANY_FORMAT
    source = Source.beside(__file__, "reduction.cu")

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """See what is added up, and by how many blocks."""
        axis, shape = self.layer.axis, bottom[0].shape
        self.length = math.prod(shape[axis:])
        self.inner = around(bottom[0], axis, len(shape))[1] if axis > 1 else 1
        self.operation = _OPERATIONS[self.layer.operation]
        rows = max(top[0].count, 1)
        self.parts = max(1, min(-(-self.length // _PART), _BLOCKS // rows))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        x, y, coeff = bottom[0].read(), top[0].overwrite(), self.layer.coeff
        if self.inner > 1:
            self.function("sum_columns")(
                y.size, x, y, self.length, self.inner, self.operation, coeff
            )
        elif self.parts == 1:
            threads = _WARP if self.length <= _SHORT else _THREADS
            self.function("sum_rows").blocks(
                y.size, x, y, self.length, 1, self.operation, coeff, threads=threads
            )
        else:
            sums = self.workspace.array((y.size * self.parts,), y.dtype)
            self.function("sum_rows").blocks(
                sums.size, x, sums, self.length, self.parts, self.operation, 1
            )
            self.function("sum_rows").blocks(y.size, sums, y, self.parts, 1, 0, coeff)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff."""
        if not propagate_down[0]:
            return
        x = bottom[0].read() if self.operation else None
        dy, dx = top[0].read_diff(), bottom[0].overwrite_diff()
        self.function("backward")(
            dx.size, x, dy, dx, self.length, self.inner, self.operation, self.layer.coeff
        )
