"""The CUDA kernel of LSTMUnit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.source import Source

CELL_CU = Path(__file__).with_name("cell.cu")


class LSTMUnitKernel(CudaKernel):
    """LSTMUnit in one launch each way, with a thread for each unit of each stream."""

    source = Source("lstm_unit", [CELL_CU, Path(__file__).with_name("lstm_unit.cu")])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the tops."""
        c, h = (above.overwrite() for above in top)
        units = bottom[0].shape[2]
        self.function("forward")(c.size, *(below.read() for below in bottom), c, h, units)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diffs of the cell before and of the gates."""
        self.layer.refuse_gradients(propagate_down)
        if not any(propagate_down):
            return
        values = [below.read() for below in bottom]
        above = [above.read_diff() for above in top]
        below = [
            below.overwrite_diff() if wanted else None
            for below, wanted in zip(bottom[:2], propagate_down[:2], strict=True)
        ]
        units = bottom[0].shape[2]
        self.function("backward")(bottom[0].count, *values, *above, *below, units)
