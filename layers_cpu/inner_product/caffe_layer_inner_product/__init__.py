"""InnerProduct: y = x W' + b."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.testing import Case

_BAND = 1 << 21  # elements of a band: BLAS is as fast on these as on the whole


class InnerProduct(Layer):
    """Fully connected layer: flattens each item from ``axis`` on and multiplies by a matrix.

    Learned blobs: the weight ``(num_output, inputs)``, or ``(inputs, num_output)`` with
    ``transpose``, and the bias ``(num_output,)`` unless ``bias_term`` is false.
    """

    facts = Facts(backward_reads=frozenset({"bottom"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Create the weight and the bias."""
        param = self.param.inner_product_param
        self.outputs = param.num_output
        self.transpose = param.transpose
        self.axis = bottom[0].axis(param.axis)
        self.inputs = bottom[0].span(self.axis)
        if self.outputs == 0:
            raise self.error("num_output must be at least 1; set inner_product_param.num_output")
        shape = (self.outputs, self.inputs)
        self.add_blob(shape[::-1] if self.transpose else shape, param.weight_filler)
        if param.bias_term:
            self.add_blob((self.outputs,), param.bias_filler)

    def multiply_adds(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> int:
        """Each row is multiplied by the whole weight."""
        return self.blobs[0].count * bottom[0].span(0, self.axis)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Keep the axes before ``axis``, then ``num_output``."""
        inputs = bottom[0].span(self.axis)
        if inputs != self.inputs:
            raise self.error(
                f"the weight takes {self.inputs} inputs, bottom {self.param.bottom[0]!r} "
                f"{bottom[0].shape} has {inputs} from axis {self.axis} on; "
                "the bottom's shape must not change there"
            )
        top[0].reshape(*bottom[0].shape[: self.axis], self.outputs)


class InnerProductKernel(Kernel):
    """InnerProduct as matrix products."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Cut the weight into bands of rows, so that its gradient needs little scratch memory."""
        self.items = bottom[0].span(0, self.layer.axis)
        rows, columns = self.blobs[0].shape
        self.band = min(rows, max(1, _BAND // max(columns, 1)))
        self.bands = [slice(start, start + self.band) for start in range(0, rows, self.band)]

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        weight = self.blobs[0].data
        x, y = self._inputs(bottom[0].data), self._outputs(top[0].data)
        self.xp.matmul(x, weight if self.layer.transpose else weight.T, out=y)
        if len(self.blobs) > 1:
            y += self.blobs[1].data

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff, add to those of weight and bias."""
        x, dy = self._inputs(bottom[0].data), self._outputs(top[0].diff)
        wanted = self.layer.param_propagate_down
        if wanted[0]:
            self._add_weight_diff(*((x, dy) if self.layer.transpose else (dy, x)))
        if len(self.blobs) > 1 and wanted[1]:
            db = self.workspace.array(self.blobs[1].shape, dy.dtype)
            self.blobs[1].diff[...] += self.xp.add.reduce(dy, axis=0, out=db)
        if propagate_down[0]:
            weight = self.blobs[0].data
            dx = self._inputs(bottom[0].diff)
            self.xp.matmul(dy, weight.T if self.layer.transpose else weight, out=dx)

    def _add_weight_diff(self, left: Any, right: Any) -> None:
        """Add ``left' right`` to the weight's diff."""
        diff = self.blobs[0].diff
        scratch = self.workspace.array((self.band, right.shape[1]), right.dtype)
        for band in self.bands:
            rows = left[:, band]
            diff[band] += self.xp.matmul(rows.T, right, out=scratch[: rows.shape[1]])

    def _inputs(self, array: Any) -> Any:
        """An array of the bottom as one row for each item."""
        return array.reshape(self.items, self.layer.inputs)

    def _outputs(self, array: Any) -> Any:
        """An array of the top as one row for each item."""
        return array.reshape(self.items, self.layer.outputs)


CASES = [
    Case("inner_product_param { num_output: 5 }", bottom=[(4, 3, 2)]),
    Case("inner_product_param { num_output: 2 bias_term: false }", bottom=[(1, 6)]),
    Case("inner_product_param { num_output: 3 transpose: true axis: 2 }", bottom=[(2, 3, 4)]),
]
