"""The CUDA kernel of Embed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_layer_embed import Embed

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.rows import SOURCE, Rows


class EmbedKernel(CudaKernel):
    """Embed on rows. Backward uses the indices of the last forward.

    An index that names no row of the table gives a vector of NaN.
    """

    source = SOURCE
    device: Any
    layer: Embed

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make room for the indices."""
        layer = self.layer
        self.vectors = (bottom[0].count, layer.outputs)
        self.rows = Rows(self, bottom[0].count, layer.inputs, layer.outputs)
        self.ones = self.xp.ones((1, bottom[0].count), layer.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        table, *bias = [blob.read() for blob in self.blobs]
        self.rows.pick(bottom[0].read(), table, top[0].overwrite(), *bias)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Add to the diffs of table and bias."""
        self.layer.refuse_gradients(propagate_down)
        dy, wanted = top[0].read_diff(), self.layer.param_propagate_down
        if wanted[0]:
            self.rows.add(self.blobs[0].diff, dy)
        if len(self.blobs) > 1 and wanted[1]:
            total = self.blobs[1].diff.reshape(1, -1)
            self.device.blas.gemm(self.ones, dy.reshape(self.vectors), total, add=True)
