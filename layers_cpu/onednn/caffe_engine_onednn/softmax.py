"""Softmax on oneDNN."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_int

from caffe_core.blob import Blob
from caffe_engine_onednn.constants import Alg, Arg, Prop
from caffe_engine_onednn.kernel import OnednnKernel, Run
from caffe_engine_onednn.memory import data_memory, diff_memory, of_blob
from caffe_engine_onednn.primitive import Attributes


class SoftmaxKernel(OnednnKernel):
    """Softmax along one axis."""

    prefers = None

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One softmax."""
        axis = c_int(self.layer.axis)
        described = of_blob(bottom[0])
        self._recipe = self.recipe(
            "softmax_forward", Prop.TRAINING, Alg.SOFTMAX, described, described, axis, Attributes()
        )
        memories = {Arg.SRC: data_memory(bottom[0]), Arg.DST: data_memory(top[0])}
        return [self.primitive(self._recipe, memories)]

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """The bottom's gradient, from the top."""
        if not propagate_down[0]:
            return []
        described = of_blob(bottom[0])
        recipe = self.recipe(
            "softmax_backward",
            Alg.SOFTMAX,
            described,
            described,
            described,
            c_int(self.layer.axis),
            self._recipe,
            Attributes(),
        )
        memories = {
            Arg.DST: data_memory(top[0]),
            Arg.DIFF_DST: diff_memory(top[0]),
            Arg.DIFF_SRC: diff_memory(bottom[0]),
        }
        return [self.primitive(recipe, memories)]
