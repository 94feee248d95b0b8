"""LRN on oneDNN."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_float, c_int64

from caffe_core.blob import Blob
from caffe_core.layer import Layer
from caffe_core.proto.caffe_pb2 import LRNParameter
from caffe_engine_onednn.constants import Alg, Arg, Query
from caffe_engine_onednn.kernel import OnednnKernel, Run
from caffe_engine_onednn.memory import data_memory, diff_memory, new_memory, of_blob
from caffe_engine_onednn.primitive import Attributes


class LRNKernel(OnednnKernel):
    """Local response normalisation across channels or within each."""

    in_bfloat16 = True

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse a size for which oneDNN 3.2 crashes."""
        if layer.param.lrn_param.local_size == 1:
            return "oneDNN takes no local_size of 1"
        return super().refuses(layer, bottom, top)

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One normalisation; a workspace keeps its denominators, if backward wants them."""
        param = self.layer.param.lrn_param
        across = param.norm_region == LRNParameter.ACROSS_CHANNELS
        self._arguments = (
            c_int64(param.local_size),
            c_float(param.alpha),
            c_float(param.beta),
            c_float(param.k if across else 1.0),
        )
        self._algorithm = Alg.LRN_ACROSS if across else Alg.LRN_WITHIN
        described = of_blob(bottom[0])
        self._recipe = self.recipe(
            "lrn_forward",
            self.prop,
            self._algorithm,
            described,
            of_blob(top[0]),
            *self._arguments,
            Attributes(),
        )
        kept = self._recipe.layout(Query.WORKSPACE)
        self._workspace = {} if kept is None else {Arg.WORKSPACE: new_memory(kept)}
        memories = {Arg.SRC: data_memory(bottom[0]), Arg.DST: data_memory(top[0])}
        return [self.primitive(self._recipe, memories | self._workspace)]

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """The bottom's gradient."""
        if not propagate_down[0]:
            return []
        described = of_blob(bottom[0])
        recipe = self.recipe(
            "lrn_backward",
            self._algorithm,
            described,
            of_blob(top[0]),
            described,
            *self._arguments,
            self._recipe,
            Attributes(),
        )
        memories = {
            Arg.SRC: data_memory(bottom[0]),
            Arg.DIFF_DST: diff_memory(top[0]),
            Arg.DIFF_SRC: diff_memory(bottom[0]),
        }
        return [self.primitive(recipe, memories | self._workspace)]
