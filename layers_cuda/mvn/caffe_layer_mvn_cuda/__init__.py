"""The CUDA kernel of MVN."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from caffe_layer_layer_norm_cuda import ITEMS_CU, Items
from caffe_layer_mvn import MVN

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.source import Source


class MVNKernel(CudaKernel):
    """MVN with a block for each item, or for each channel of it."""

    formats = ANY_FORMAT
    source = Source("mvn", [ITEMS_CU, Path(__file__).with_name("mvn.cu")])
    layer: MVN

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Lay out what is normalised alone; allocate a number for each."""
        blob = top[0]
        items = Items.of_channels(blob, 1 if self.layer.across_channels else blob.shape[1])
        self.threads, self.items = items.threads, items.struct(self.xp)
        self.deviation = self.xp.empty(items.count(blob), blob.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        x = bottom[0].read()
        y = top[0].data if top[0] is bottom[0] else top[0].overwrite()
        layer = self.layer
        self.function("forward").blocks(
            len(self.deviation), x, y, self.deviation, layer.normalize_variance, layer.eps,
            self.items, threads=self.threads,
        )  # fmt: skip

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff: (dy - mean(dy) - y mean(dy y)) / deviation."""
        if not propagate_down[0]:
            return
        y = top[0].read() if self.layer.normalize_variance else None
        dy, dx = top[0].read_diff(), bottom[0].overwrite_diff()
        self.function("backward").blocks(
            len(self.deviation), y, dy, dx, self.deviation, self.items, threads=self.threads
        )
