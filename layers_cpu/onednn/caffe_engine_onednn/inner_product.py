"""InnerProduct on oneDNN."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import CONTIGUOUS, Blob
from caffe_engine_onednn.constants import Arg, Prop, Query, Type
from caffe_engine_onednn.ending import EndingKernel
from caffe_engine_onednn.gradients import Gradient
from caffe_engine_onednn.kernel import Run
from caffe_engine_onednn.memory import (
    Descriptor,
    Memory,
    any_layout,
    data_memory,
    dense,
    diff_memory,
    ones_memory,
    strided,
)
from caffe_engine_onednn.primitive import Attributes
from caffe_engine_onednn.weights import packed


class InnerProductKernel(EndingKernel):
    """Matrix products: on the plain weight in training, on a packed one otherwise.

    A packed weight is faster to read, but packing costs more than a product, so it pays only if
    the weight stays the same for many passes.
    """

    formats = (CONTIGUOUS,)
    prefers = None
    in_bfloat16 = True

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One product, with the bias added."""
        layer = self.layer
        self._rows = bottom[0].span(0, layer.axis)
        self._weight_shape = (layer.outputs, layer.inputs)
        if self.prop is Prop.TRAINING:
            return self._plain(bottom[0], top[0])
        return self._packed(bottom[0], top[0])

    def _plain(self, bottom: Blob, top: Blob) -> list[Run]:
        source, result = self._source(), self._result()
        weight = self._weight(self.type, transposed=True)
        bias = dense((1, self.layer.outputs)) if len(self.blobs) > 1 else None
        recipe = self.recipe("matmul", source, weight, bias, result, self.attributes())
        self._plain_copy, runs = packed(self, self.blobs[0], self._weight(transposed=True), weight)
        memories = {
            Arg.SRC: data_memory(bottom, source),
            Arg.WEIGHTS: self._plain_copy,
            Arg.DST: data_memory(top, result),
        }
        if bias is not None:
            memories[Arg.BIAS] = data_memory(self.blobs[1], bias)
        return [*runs, self.primitive(recipe, memories)]

    def _packed(self, bottom: Blob, top: Blob) -> list[Run]:
        source, result = self._source(), self._result()
        bias = dense(self.blobs[1].shape) if len(self.blobs) > 1 else None
        wanted = any_layout(self._weight_shape, self.type)
        recipe = self.recipe(
            "inner_product_forward", Prop.INFERENCE, source, wanted, bias, result, self.attributes()
        )
        memory, runs = packed(self, self.blobs[0], self._weight(), recipe.wanted(Query.WEIGHTS))
        memories = {
            Arg.SRC: data_memory(bottom, source),
            Arg.WEIGHTS: memory,
            Arg.DST: data_memory(top, result),
        }
        if bias is not None:
            memories[Arg.BIAS] = data_memory(self.blobs[1], bias)
        return [*runs, self.primitive(recipe, memories)]

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """The gradients of weight, bias and bottom."""
        wanted = self.layer.param_propagate_down
        gradient = self._result()
        runs: list[Run] = []
        if wanted[0]:
            runs.append(self._weight_gradient(top[0], bottom[0]))
        if len(self.blobs) > 1 and wanted[1]:
            runs.append(self._bias_gradient(top[0]))
        if propagate_down[0]:
            source, weight = self._source(), self._weight(self.type)
            recipe = self.recipe("matmul", gradient, weight, None, source, Attributes())
            memories = {
                Arg.SRC: diff_memory(top[0], gradient),
                Arg.WEIGHTS: Memory(weight, self._plain_copy.array),
                Arg.DST: diff_memory(bottom[0], source),
            }
            runs.append(self.primitive(recipe, memories))
        return runs

    def _weight_gradient(self, top: Blob, bottom: Blob) -> Run:
        """Add the product of the top's diff and the bottom to the weight's diff."""
        left = (diff_memory(top, self._result()), self.layer.outputs)
        right = (data_memory(bottom, self._source()), self.layer.inputs)
        if self.layer.transpose:
            left, right = right, left
        (rows, height), (columns, _) = left, right
        across = strided((height, self._rows), (1, height), self.type)
        weight = dense(self.blobs[0].shape)
        memories = {
            Arg.SRC: Memory(across, rows.array),
            Arg.WEIGHTS: columns,
            Arg.DST: diff_memory(self.blobs[0], weight),
        }

        def product(attributes: Attributes) -> Run:
            recipe = self.recipe("matmul", across, columns.descriptor, None, weight, attributes)
            return self.primitive(recipe, memories)

        return Gradient(self.blobs[0].diff_tensor, product)

    def _bias_gradient(self, top: Blob) -> Run:
        """Add the column sums of the top's diff to the bias's diff."""
        rows, outputs = self._rows, self.layer.outputs
        ones = ones_memory(dense((1, rows), kind=self.type), self.type)
        gradient, bias = self._result(), dense((1, outputs))
        memories = {
            Arg.SRC: ones,
            Arg.WEIGHTS: diff_memory(top, gradient),
            Arg.DST: diff_memory(self.blobs[1], bias),
        }

        def sums(attributes: Attributes) -> Run:
            recipe = self.recipe("matmul", ones.descriptor, gradient, None, bias, attributes)
            return self.primitive(recipe, memories)

        return Gradient(self.blobs[1].diff_tensor, sums)

    def _source(self) -> Descriptor:
        return dense((self._rows, self.layer.inputs), kind=self.type)

    def _result(self) -> Descriptor:
        return dense((self._rows, self.layer.outputs), kind=self.type)

    def _weight(self, kind: Type = Type.F32, *, transposed: bool = False) -> Descriptor:
        """Describe the learned weight as ``(num_output, inputs)``, or as its transpose."""
        outputs, inputs = self._weight_shape
        strides = (1, outputs) if self.layer.transpose else (inputs, 1)
        if transposed:
            return strided((inputs, outputs), strides[::-1], kind)
        return strided((outputs, inputs), strides, kind)
