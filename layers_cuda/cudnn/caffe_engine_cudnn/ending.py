"""EndingKernel: what a convolution does for each channel of its top."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from caffe_core.blob import Blob
from caffe_core.cuda.channels import CHANNEL_SUMS_CU, CHANNELS_CU, Channels
from caffe_core.cuda.layout import around
from caffe_core.cuda.source import Source
from caffe_core.rectifying import RectifyingKernel
from caffe_engine_cudnn.kernel import CudnnKernel


class EndingKernel(RectifyingKernel, CudnnKernel):
    """A kernel whose forward can end with a bias and with a ReLU that follows in place."""

    source = Source("ending", [CHANNELS_CU, CHANNEL_SUMS_CU, Path(__file__).with_name("ending.cu")])
    has_rivals = False  # without cuDNN there are im2col and a product

    def prepare_end(self, top: Blob) -> None:
        """Share out the channels of a top."""
        outer, inner = around(top, 1)
        self._channels = Channels(self.xp, top.dtype, outer, top.shape[1], inner)

    def end(self, y: Any, bias: Any) -> None:
        """Add the bias, unless that is None, and apply the ReLU, if there is one, in place."""
        if bias is not None or self.relu is not None:
            rectify, slope = self.relu is not None, self.relu or 0.0
            self.function("end")(y.size, y, bias, rectify, slope, self._channels.share)

    def add_sums(self, dy: Any, bias: Any) -> None:
        """Add to the gradient of a bias what follows from that of the top."""
        self._channels.sum(self.function, dy, bias, add=True)
