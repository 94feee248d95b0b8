"""Power on oneDNN."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_float

from caffe_core.blob import Blob
from caffe_core.layer import Layer
from caffe_engine_onednn.constants import Alg, Arg, Prop
from caffe_engine_onednn.kernel import OnednnKernel, Run
from caffe_engine_onednn.memory import Memory, data_memory, diff_memory
from caffe_engine_onednn.primitive import Attributes


class PowerKernel(OnednnKernel):
    """The affine function; its gradient is the top's, scaled."""

    prefers = None
    in_bfloat16 = True

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse powers, for which the library is no faster."""
        if layer.power != 1:
            return "oneDNN takes power 1 only"
        return super().refuses(layer, bottom, top)

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One affine function."""
        return [self._affine(data_memory(bottom[0]), data_memory(top[0]), self.layer.shift)]

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """The bottom's gradient."""
        if not propagate_down[0]:
            return []
        return [self._affine(diff_memory(top[0]), diff_memory(bottom[0]), 0.0)]

    def _affine(self, source: Memory, target: Memory, shift: float) -> Run:
        recipe = self.recipe(
            "eltwise_forward",
            Prop.INFERENCE,
            Alg.LINEAR,
            source.descriptor,
            target.descriptor,
            c_float(self.layer.scale),
            c_float(shift),
            Attributes(),
        )
        return self.primitive(recipe, {Arg.SRC: source, Arg.DST: target})
