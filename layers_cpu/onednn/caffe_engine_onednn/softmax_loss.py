"""SoftmaxWithLoss on oneDNN."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_int
from functools import partial
from typing import Any

from caffe_layer_softmax_loss import SoftmaxWithLossKernel as Plain

from caffe_core.blob import Blob
from caffe_engine_onednn.constants import Alg, Arg, Prop
from caffe_engine_onednn.kernel import OnednnKernel, Run
from caffe_engine_onednn.memory import Memory, data_memory, of_blob
from caffe_engine_onednn.primitive import Attributes


class SoftmaxWithLossKernel(OnednnKernel):
    """SoftmaxWithLoss whose probabilities the library computes; labels are NumPy's."""

    prefers = None

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self._plain = Plain(*arguments)

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the primitive."""
        self._plain.prepare(bottom, top)
        super().prepare(bottom, top)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss; that of a batch without items is NumPy's."""
        if self._empty:
            self._plain.forward(bottom, top)
        else:
            super().forward(bottom, top)

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One softmax, then what the labels pick."""
        described = of_blob(bottom[0])
        recipe = self.recipe(
            "softmax_forward",
            Prop.INFERENCE,
            Alg.SOFTMAX,
            described,
            described,
            c_int(self.layer.axis),
            Attributes(),
        )
        memories = {
            Arg.SRC: data_memory(bottom[0], described),
            Arg.DST: Memory(described, self._plain.prob),
        }
        return [self.primitive(recipe, memories), partial(self._plain.score, bottom, top)]

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of the scores."""
        self._plain.backward(top, propagate_down, bottom)
