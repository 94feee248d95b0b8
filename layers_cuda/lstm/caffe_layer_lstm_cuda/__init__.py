"""The CUDA kernel of LSTM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caffe_layer_lstm_unit_cuda import CELL_CU

from caffe_core.blob import Blob
from caffe_core.cuda.recurrent import RECURRENT_CU, CudaRecurrentKernel
from caffe_core.cuda.source import Source


class LSTMKernel(CudaRecurrentKernel):
    """LSTM: all that is not a product is one launch for each step."""

    source = Source("lstm", [RECURRENT_CU, CELL_CU, Path(__file__).with_name("lstm.cu")])

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the cells before each step and after the last."""
        super().prepare(bottom, top)
        streams = top[0].shape[1]
        self.cells = self.empty(self.steps + 1, streams, self.units)
        if self.need_backward:
            self.cell_diff = self.empty(streams, self.units)

    def run(self, cont: Any, states: Sequence[Any], output: Any) -> Sequence[Any]:
        """Open the gates and compute cells and output, step by step."""
        h, self.cells[0] = states
        forward = self.function("forward")
        for step in self.forward_steps():
            forward(
                self.size, step, self.steps, self.gates, *self.fixed, cont, self.cells, output,
                self.seen, self.units,
            )  # fmt: skip
        return output[-1] if self.steps else h, self.cells[-1]

    def run_back(self, cont: Any, output_diff: Any) -> None:
        """Go back through the cells."""
        backward = self.function("backward")
        for step in self.backward_steps():
            backward(
                self.size, step, self.steps, self.gates, cont, self.cells, output_diff, self.left,
                self.cell_diff, self.gates_diff, self.units,
            )  # fmt: skip
