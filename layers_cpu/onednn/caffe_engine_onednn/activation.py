"""Elementwise layers on oneDNN."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_float
from typing import ClassVar

from caffe_core.blob import Blob
from caffe_core.layer import Layer
from caffe_engine_onednn.constants import Alg, Arg, Prop
from caffe_engine_onednn.kernel import OnednnKernel, Run
from caffe_engine_onednn.memory import data_memory, diff_memory, of_blob
from caffe_engine_onednn.primitive import Attributes, Recipe


class ActivationKernel(OnednnKernel):
    """A function of each element; backward reads the top where the function allows it."""

    in_bfloat16 = True
    prefers = None
    algorithm: ClassVar[Alg]
    from_top: ClassVar[Alg | None] = None

    def numbers(self) -> tuple[float, float]:
        """Return alpha and beta of the function."""
        return 0.0, 0.0

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One elementwise primitive."""
        memories = {Arg.SRC: data_memory(bottom[0]), Arg.DST: data_memory(top[0])}
        return [self.primitive(self._forward_recipe(bottom[0], self.algorithm), memories)]

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """The bottom's gradient."""
        if not propagate_down[0]:
            return []
        algorithm = self.algorithm if self.from_top is None else self.from_top
        alpha, beta = map(c_float, self.numbers())
        described = of_blob(bottom[0])
        recipe = self.recipe(
            "eltwise_backward",
            algorithm,
            described,
            described,
            described,
            alpha,
            beta,
            self._forward_recipe(bottom[0], algorithm),
            Attributes(),
        )
        read = Arg.SRC if self.from_top is None else Arg.DST
        memories = {
            read: data_memory(bottom[0] if self.from_top is None else top[0]),
            Arg.DIFF_DST: diff_memory(top[0]),
            Arg.DIFF_SRC: diff_memory(bottom[0]),
        }
        return [self.primitive(recipe, memories)]

    def _forward_recipe(self, bottom: Blob, algorithm: Alg) -> Recipe:
        alpha, beta = map(c_float, self.numbers())
        described = of_blob(bottom)
        return self.recipe(
            "eltwise_forward",
            Prop.TRAINING,
            algorithm,
            described,
            described,
            alpha,
            beta,
            Attributes(),
        )


class ReLUKernel(ActivationKernel):
    """ReLU, leaky too."""

    algorithm = Alg.RELU
    from_top = Alg.RELU_FROM_TOP

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse a slope with which the top does not tell the sign of the bottom."""
        if layer.negative_slope < 0:
            return "oneDNN cannot tell the bottom's sign from the top if negative_slope is below 0"
        return super().refuses(layer, bottom, top)

    def numbers(self) -> tuple[float, float]:
        """Return the slope."""
        return self.layer.negative_slope, 0.0


class SigmoidKernel(ActivationKernel):
    """Sigmoid."""

    algorithm = Alg.LOGISTIC
    from_top = Alg.LOGISTIC_FROM_TOP


class TanHKernel(ActivationKernel):
    """TanH."""

    algorithm = Alg.TANH
    from_top = Alg.TANH_FROM_TOP


class AbsValKernel(ActivationKernel):
    """AbsVal."""

    algorithm = Alg.ABS


class ELUKernel(ActivationKernel):
    """ELU."""

    algorithm = Alg.ELU
    from_top = Alg.ELU_FROM_TOP

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse an alpha with which the top does not tell the sign of the bottom."""
        if layer.param.elu_param.alpha < 0:
            return "oneDNN cannot tell the bottom's sign from the top if alpha is below 0"
        return super().refuses(layer, bottom, top)

    def numbers(self) -> tuple[float, float]:
        """Return alpha."""
        return self.layer.param.elu_param.alpha, 0.0
