"""Scale on oneDNN, where it stands by itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from caffe_layer_scale import ScaleKernel as Plain

from caffe_core.blob import Blob
from caffe_core.layer import Layer
from caffe_engine_onednn.constants import Alg, Arg, added
from caffe_engine_onednn.kernel import OnednnKernel, Run
from caffe_engine_onednn.memory import Memory, data_memory, dense, diff_memory
from caffe_engine_onednn.primitive import Attributes


class ScaleKernel(OnednnKernel):
    """A learned factor for each channel, and a bias; the gradients of both are NumPy's."""

    prefers = None

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse factors that are not learned, or not one for each channel."""
        image = len(bottom) == 1 and len(bottom[0].shape) > 2
        if not image or layer.param.scale_param.axis != 1 or len(layer.blobs[0].shape) != 1:
            return "oneDNN takes one learned factor for each channel of an image"
        return super().refuses(layer, bottom, top)

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self._plain = Plain(*arguments)

    @property
    def kept(self) -> Any:
        """The copy of the bottom, as an array, or None; see `caffe_layer_scale.ScaleKernel`."""
        return self._plain.kept

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the primitive, and what the gradients need."""
        self._plain.need_backward = self.need_backward
        self._plain.prepare(bottom, top)
        super().prepare(bottom, top)

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One product, with the bias added; in place, backward needs a copy of the bottom."""
        bias = self.blobs[1:]
        product = self._product(
            data_memory(bottom[0]), data_memory(top[0]), [data_memory(each) for each in bias]
        )
        return [product] if self.kept is None else [partial(_keep, self.kept, bottom[0]), product]

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Add to the diffs of what is learned, then write the bottom's."""
        self._plain.backward(top, (False,), bottom)
        super().backward(top, propagate_down, bottom)

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """The bottom's gradient."""
        if not propagate_down[0]:
            return []
        return [self._product(diff_memory(top[0]), diff_memory(bottom[0]), [])]

    def _product(self, source: Memory, target: Memory, addends: list[Memory]) -> Run:
        """Return the call that multiplies each channel by its factor and adds to it."""
        channels = (1, self.blobs[0].count, *[1] * (len(source.descriptor.shape) - 2))
        spread = dense(channels)
        recipe = self.recipe(
            "binary",
            Alg.BINARY_MUL,
            source.descriptor,
            spread,
            target.descriptor,
            Attributes(addends=[spread] * len(addends)),
        )
        memories = {Arg.SRC: source, Arg.DST: target}
        memories[Arg.SRC_1] = data_memory(self.blobs[0], spread)
        memories |= {added(index): each for index, each in enumerate(addends)}
        return self.primitive(recipe, memories)


def _keep(kept: Any, bottom: Blob) -> None:
    kept[...] = bottom.read()
