"""The CUDA kernel of Im2col."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.cuda.correlation import PatchKernel, layout


class Im2colKernel(PatchKernel):
    """Im2col as in Convolution: the channels of all images are those of one."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Lay the patches out over the present shapes."""
        axis = self.layer.axis
        self.channels = bottom[0].span(0, axis + 1)
        self.positions = top[0].span(axis + 1)
        image = (1, self.channels, *bottom[0].shape[axis + 1 :])
        self.axes, self.geometry = layout(self.layer.geometry, image, self.xp)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Copy every patch to its column."""
        x, y = bottom[0].read(), top[0].overwrite()
        threads = self.channels * self.positions
        self.function(f"im2col_{self.axes}")(threads, x, y, 1, self.geometry)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Add up the diffs of all patches that see an element."""
        if propagate_down[0]:
            dy, dx = top[0].read_diff(), bottom[0].overwrite_diff()
            self.function(f"col2im_{self.axes}")(dx.size, dy, dx, None, 1, self.geometry)
