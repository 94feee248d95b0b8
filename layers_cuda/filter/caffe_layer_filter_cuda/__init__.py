"""The CUDA kernel of Filter."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_layer_filter import Filter

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.source import elementwise


class FilterKernel(CudaKernel):
    """Filter on rows, one for each item. Backward uses the selection of the last forward.

    The host has to know how many items are selected, to shape the tops: each forward waits until
    the selector is computed, and fetches that one number.
    """

    formats = ANY_FORMAT
    source = elementwise(
        "filter",
        pick=("const Real* x, const long long* picked, Real* y, int size",
              "y[i] = x[picked[i / size] * size + i % size];"),
        put=("const Real* dy, const long long* picked, Real* dx, int size",
             "dx[picked[i / size] * size + i % size] = dy[i];"),
    )  # fmt: skip
    layer: Filter

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Shape and write the tops."""
        *batches, selector = bottom
        self.picked = self.xp.flatnonzero(selector.read())
        for below, above in zip(batches, top, strict=True):
            above.reshape(len(self.picked), *below.shape[1:])
            y = above.overwrite()
            self.function("pick")(y.size, below.read(), self.picked, y, below.span(1))

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottoms' diffs."""
        self.layer.refuse_gradients(propagate_down)
        for below, above, wanted in zip(bottom, top, propagate_down, strict=False):
            if wanted:
                dy, dx = above.read_diff(), below.overwrite_diff()
                dx.fill(0)
                self.function("put")(dy.size, dy, self.picked, dx, below.span(1))
