"""Layers that bring several blobs together: Eltwise's sum, Concat, and the gradient of Split."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_int

from caffe_core.blob import Blob
from caffe_core.layer import Layer
from caffe_core.proto.caffe_pb2 import EltwiseParameter
from caffe_engine_onednn.constants import Arg
from caffe_engine_onednn.kernel import OnednnKernel, Run
from caffe_engine_onednn.memory import (
    Memory,
    data_memory,
    diff_memory,
    floats,
    of_blob,
    pointers,
    strided,
)
from caffe_engine_onednn.primitive import Attributes
from caffe_engine_onednn.weights import reorder


def weighted_sum(
    kernel: OnednnKernel, target: Memory, sources: Sequence[Memory], weights: Sequence[float]
) -> Run:
    """Return the call that writes the weighted sum of memories of one layout."""
    descriptors = pointers([each.descriptor for each in sources])
    recipe = kernel.recipe(
        "sum", target.descriptor, len(sources), floats(weights), descriptors, Attributes()
    )
    memories = {Arg.MULTIPLE_SRC + index: each for index, each in enumerate(sources)}
    return kernel.primitive(recipe, {**memories, Arg.DST: target})


def adds(layer: Layer) -> bool:
    """Whether an Eltwise is a plain sum."""
    operation = layer.param.eltwise_param.operation
    return operation == EltwiseParameter.SUM and all(coeff == 1 for coeff in layer.coeff)


class EltwiseKernel(OnednnKernel):
    """The weighted sum of bottoms."""

    in_bfloat16 = True
    prefers = None

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse all but the sum."""
        if layer.param.eltwise_param.operation != EltwiseParameter.SUM:
            return "oneDNN takes operation SUM only"
        return super().refuses(layer, bottom, top)

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One sum."""
        sources = [data_memory(below) for below in bottom]
        return [weighted_sum(self, data_memory(top[0]), sources, self.layer.coeff)]

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """The top's diff times each bottom's coefficient."""
        gradient = [diff_memory(top[0])]
        return [
            weighted_sum(self, diff_memory(below), gradient, [coeff])
            for below, coeff, down in zip(bottom, self.layer.coeff, propagate_down, strict=True)
            if down
        ]


class SplitKernel(OnednnKernel):
    """Forward is nothing, since the tops share the bottom's data; backward adds their diffs."""

    in_bfloat16 = True
    prefers = None

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """Nothing."""
        return []

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """One sum."""
        if not propagate_down[0]:
            return []
        gradients = [diff_memory(above) for above in top]
        return [weighted_sum(self, diff_memory(bottom[0]), gradients, [1.0] * len(top))]


class ConcatKernel(OnednnKernel):
    """Bottoms one after the other."""

    in_bfloat16 = True
    prefers = None

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse a single bottom, whose memory the top shares."""
        if len(layer.param.bottom) == 1:
            return "there is nothing to do for a single bottom"
        return super().refuses(layer, bottom, top)

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One joining copy."""
        described = [of_blob(below) for below in bottom]
        recipe = self.recipe(
            "concat",
            of_blob(top[0]),
            c_int(len(bottom)),
            c_int(self.layer.axis),
            pointers(described),
            Attributes(),
        )
        memories = {
            Arg.MULTIPLE_SRC + index: data_memory(below, each)
            for index, (below, each) in enumerate(zip(bottom, described, strict=True))
        }
        return [self.primitive(recipe, {**memories, Arg.DST: data_memory(top[0])})]

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """One cutting copy for each bottom."""
        gradient = diff_memory(top[0])
        whole = gradient.descriptor
        what = "the top's diff is cut into those of the bottoms"
        runs, start = [], 0
        for below, down in zip(bottom, propagate_down, strict=True):
            if down:
                part = strided(below.shape, whole.strides, self.type)
                array = top[0].diff_tensor.read(top[0].device)[
                    start * whole.strides[self.layer.axis] :
                ]
                runs.append(reorder(self, what, Memory(part, array), diff_memory(below)))
            start += below.shape[self.layer.axis]
        return runs
