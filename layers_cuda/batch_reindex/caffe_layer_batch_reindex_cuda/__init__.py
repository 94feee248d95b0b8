"""The CUDA kernel of BatchReindex."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_layer_batch_reindex import BatchReindex

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.rows import SOURCE, Rows


class BatchReindexKernel(CudaKernel):
    """BatchReindex on rows, one for each item. Backward uses the indices of the last forward.

    An index that names no item gives an item of NaN.
    """

    formats = ANY_FORMAT
    source = SOURCE
    layer: BatchReindex

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make room for the indices."""
        items, size = bottom[0].shape[0], bottom[0].span(1)
        self.rows = Rows(self, bottom[1].count, items, size)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        self.rows.pick(bottom[1].read(), bottom[0].read(), top[0].overwrite())

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the sum of the diffs of an item's copies; 0 for items not picked."""
        self.layer.refuse_gradients(propagate_down)
        if propagate_down[0]:
            dx = bottom[0].overwrite_diff()
            dx.fill(0)
            self.rows.add(dx, top[0].read_diff())
