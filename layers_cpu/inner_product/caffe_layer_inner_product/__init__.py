"""InnerProduct: y = x W' + b."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.testing import Case


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
        """Reserve room for the weight's gradient."""
        self.items = bottom[0].span(0, self.layer.axis)
        self.workspace.reserve(self.blobs[0].count * self.layer.dtype.itemsize)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        y = top[0].data.reshape(self.items, -1)
        self.xp.matmul(self._rows(bottom[0].data), self._weight(self.blobs[0].data).T, out=y)
        if len(self.blobs) > 1:
            y += self.blobs[1].data

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff, add to those of weight and bias."""
        x, dy = self._rows(bottom[0].data), top[0].diff.reshape(self.items, -1)
        wanted = self.layer.param_propagate_down
        if wanted[0]:
            dw = self._weight(self.workspace.array(self.blobs[0].shape, x.dtype))
            self.xp.matmul(dy.T, x, out=dw)
            self._weight(self.blobs[0].diff)[...] += dw
        if len(self.blobs) > 1 and wanted[1]:
            self.blobs[1].diff[...] += dy.sum(axis=0)
        if propagate_down[0]:
            self.xp.matmul(dy, self._weight(self.blobs[0].data), out=self._rows(bottom[0].diff))

    def _rows(self, array: object) -> object:
        """A bottom's array as one row for each item."""
        return array.reshape(self.items, self.layer.inputs)

    def _weight(self, array: object) -> object:
        """The weight's array as ``(num_output, inputs)``."""
        return array.T if self.layer.transpose else array


CASES = [
    Case("inner_product_param { num_output: 5 }", bottom=[(4, 3, 2)]),
    Case("inner_product_param { num_output: 2 bias_term: false }", bottom=[(1, 6)]),
    Case("inner_product_param { num_output: 3 transpose: true axis: 2 }", bottom=[(2, 3, 4)]),
]
