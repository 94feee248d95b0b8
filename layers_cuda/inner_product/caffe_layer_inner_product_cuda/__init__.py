"""The CUDA kernel of InnerProduct."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import Blob
from caffe_core.kernel import Kernel


class InnerProductKernel(Kernel):
    """InnerProduct by cuBLAS; the bias is a product with ones, as in Caffe."""

    device: Any

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Lay out the matrices."""
        self.rows = (bottom[0].span(0, self.layer.axis), self.layer.inputs)
        self.results = (self.rows[0], self.layer.outputs)
        self.ones = self.xp.ones((1, self.rows[0]), bottom[0].dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        y = top[0].overwrite().reshape(self.results)
        self._multiply(bottom[0].read().reshape(self.rows), self._weight().T, y)
        if len(self.blobs) > 1:
            self._multiply(self.ones.T, self.blobs[1].read()[None], y, add=True)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff, add to those of weight and bias."""
        wanted = self.layer.param_propagate_down
        dy = top[0].read_diff().reshape(self.results)
        if wanted[0]:
            x = bottom[0].read().reshape(self.rows)
            factors = (x.T, dy) if self.layer.transpose else (dy.T, x)
            self._add(*factors, self.blobs[0], self.blobs[0].shape)
        if len(self.blobs) > 1 and wanted[1]:
            self._add(self.ones, dy, self.blobs[1], (1, self.layer.outputs))
        if propagate_down[0]:
            dx = bottom[0].overwrite_diff().reshape(self.rows)
            self._multiply(dy, self._weight(), dx)

    def _weight(self) -> Any:
        """The weight as ``(outputs, inputs)``."""
        weight = self.blobs[0].read()
        return weight.T if self.layer.transpose else weight

    def _multiply(self, a: Any, b: Any, out: Any, add: bool = False) -> None:
        self.device.blas.gemm(a, b, out, add=add)

    def _add(self, a: Any, b: Any, blob: Blob, shape: tuple[int, ...]) -> None:
        """Add a product to the diff of a learned blob; to zeros, it is written."""
        clear = blob.diff_tensor.is_clear
        diff = blob.overwrite_diff() if clear else blob.diff
        self._multiply(a, b, diff.reshape(shape), add=not clear)
