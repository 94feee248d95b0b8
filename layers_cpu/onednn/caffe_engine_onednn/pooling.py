"""Pooling on oneDNN."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.layer import Layer
from caffe_core.proto.caffe_pb2 import PoolingParameter
from caffe_engine_onednn.constants import Alg, Arg, Query
from caffe_engine_onednn.kernel import OnednnKernel, Run
from caffe_engine_onednn.memory import Memory, data_memory, diff_memory, dims, new_memory, of_blob
from caffe_engine_onednn.primitive import Attributes


class PoolingKernel(OnednnKernel):
    """MAX and AVE pooling."""

    in_bfloat16 = True

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse what the library counts otherwise than Caffe, or not at all."""
        if layer.method == PoolingParameter.STOCHASTIC:
            return "oneDNN has no stochastic pooling"
        if len(layer.param.top) > 1:
            return "oneDNN gives no mask as a second top"
        if any(each.starts()[-1] >= each.length for each in layer.windows):
            return "oneDNN takes no windows that lie outside the image"
        if layer.method == PoolingParameter.AVE and any(map(_miscounts, layer.windows)):
            return "oneDNN averages padded windows beyond the image otherwise than Caffe"
        return super().refuses(layer, bottom, top)

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One pooling; a workspace keeps where each maximum was, if backward wants it."""
        windows = self.layer.windows
        self._geometry = (
            dims([each.stride for each in windows]),
            dims([each.kernel for each in windows]),
            dims([0] * len(windows)),
            dims([each.pad for each in windows]),
            dims([max(_overhang(each), each.pad) for each in windows]),
        )
        self._recipe = self.recipe(
            "pooling_forward",
            self.prop,
            self._algorithm(),
            of_blob(bottom[0]),
            of_blob(top[0]),
            *self._geometry,
            Attributes(),
        )
        memories = {Arg.SRC: data_memory(bottom[0]), Arg.DST: data_memory(top[0])}
        self._workspace: dict[int, Memory] = {}
        kept = self._recipe.layout(Query.WORKSPACE)
        if kept is not None:
            self._workspace = {Arg.WORKSPACE: new_memory(kept)}
        return [self.primitive(self._recipe, memories | self._workspace)]

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """The bottom's gradient."""
        if not propagate_down[0]:
            return []
        recipe = self.recipe(
            "pooling_backward",
            self._algorithm(),
            of_blob(bottom[0]),
            of_blob(top[0]),
            *self._geometry,
            self._recipe,
            Attributes(),
        )
        memories = {Arg.DIFF_DST: diff_memory(top[0]), Arg.DIFF_SRC: diff_memory(bottom[0])}
        return [self.primitive(recipe, memories | self._workspace)]

    def _algorithm(self) -> Alg:
        if self.layer.method == PoolingParameter.MAX:
            return Alg.POOLING_MAX
        padded = any(each.pad for each in self.layer.windows)
        return Alg.POOLING_AVE_PADDED if padded else Alg.POOLING_AVE


def _overhang(windows: object) -> int:
    """How far the last window reaches beyond the image."""
    return (windows.count - 1) * windows.stride + windows.kernel - windows.length - windows.pad


def _miscounts(windows: object) -> bool:
    """Whether a padded window reaches beyond the padding, where Caffe does not count."""
    return bool(windows.pad) and _overhang(windows) > windows.pad
