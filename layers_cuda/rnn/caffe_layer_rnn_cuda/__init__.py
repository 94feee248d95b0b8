"""The CUDA kernel of RNN."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caffe_core.blob import Blob
from caffe_core.cuda.recurrent import RECURRENT_CU, CudaRecurrentKernel
from caffe_core.cuda.source import Source
from caffe_core.recurrent import rows_of


class RNNKernel(CudaRecurrentKernel):
    """RNN: the output of all steps is one product. The gates become the states."""

    source = Source("rnn", [RECURRENT_CU, Path(__file__).with_name("rnn.cu")])

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the output, which the top may lose to a layer that works in place."""
        super().prepare(bottom, top)
        self.output = self.output_diff = None
        if self.need_backward:
            self.output, self.output_diff = self.empty(2, *top[0].shape)

    def run(self, cont: Any, states: Sequence[Any], output: Any) -> Sequence[Any]:
        """Compute the states step by step, then the output of all steps."""
        forward = self.function("forward")
        for step in self.forward_steps():
            forward(
                self.size, step, self.steps, self.gates, *self.fixed, cont, self.seen, self.units
            )
        weight, bias = (blob.read() for blob in self.blobs[-2:])
        self.device.blas.gemm(rows_of(self.gates), weight.T, rows_of(output))
        self.function("emit")(output.size, output, self.output, bias, self.units)
        return self.gates[-1:] if self.steps else states

    def run_back(self, cont: Any, output_diff: Any) -> None:
        """Go back through the output of all steps, then through the states."""
        weight = len(self.blobs) - 2
        self.function("emit_backward")(output_diff.size, self.output, output_diff, self.output_diff)
        diffs = rows_of(self.output_diff)
        self.add_product(weight, diffs.T, rows_of(self.gates))
        self.add_sum(weight + 1, diffs)
        self.device.blas.gemm(diffs, self.blobs[weight].read(), rows_of(self.gates_diff))
        backward = self.function("backward")
        for step in self.backward_steps():
            backward(
                self.size, step, self.steps, self.gates, cont, self.left, self.gates_diff,
                self.units,
            )  # fmt: skip
