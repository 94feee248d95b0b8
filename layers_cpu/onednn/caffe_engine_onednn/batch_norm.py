"""BatchNorm on oneDNN, together with the Scale and the ReLU that follow in place."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_float
from functools import partial
from typing import Any

from caffe_core.blob import Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Layer
from caffe_engine_onednn.constants import Arg, Prop
from caffe_engine_onednn.ending import EndingKernel
from caffe_engine_onednn.gradients import copied
from caffe_engine_onednn.kernel import Run
from caffe_engine_onednn.memory import Memory, data_memory, dense, diff_memory, new_memory
from caffe_engine_onednn.parting import GLOBAL_STATISTICS, leave_bottom
from caffe_engine_onednn.primitive import Attributes
from caffe_engine_onednn.statistics import Statistics
from caffe_engine_onednn.weights import reorder

_SCALE, _SHIFT = 2, 4


class BatchNormKernel(EndingKernel):
    """Batch normalisation.

    A Scale that follows is absorbed both ways: its gradients are part of the primitive. In place,
    forward keeps a copy of the bottom for backward, which needs it unless statistics are stored
    ones and there is no Scale.
    """

    in_bfloat16 = True
    scale: Layer | None = None

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self._statistics = Statistics(self.layer)
        self._kept: Memory | None = None  # the bottom, for backward; both outlive `release`

    def absorb(self, layer: Layer) -> bool:
        """Multiply and add for each channel too, or end with a ReLU."""
        if layer.type == "Scale" and self.scale is None and self.relu is None:
            by_channel = len(layer.param.bottom) == 1 and layer.blobs[0].shape == self._channels()
            if by_channel and layer.param.scale_param.axis == 1:
                self.scale = layer
                return True
        # The library has no gradient of a normalisation that ends with a ReLU applied to it.
        return not self.need_backward and super().absorb(layer)

    def absorbs_backward(self, layer: Layer) -> bool:
        """The gradients of a Scale come with those of the normalisation."""
        return layer is self.scale

    def release(self) -> None:
        """Normalise only."""
        super().release()
        self.scale = None

    def hand_over(self, kernel: Kernel) -> None:
        """Leave its bottom to the Scale: what is normalised, neither scaled nor shifted."""
        memories = {Arg.SRC: self._kept or self._source, **self._statistics.memories}
        leave_bottom(self, kernel, memories, self.layer.eps)

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One normalisation; the stored statistics are recalled before it or renewed after it."""
        self._factors = self._learned()
        learns = not self.layer.use_global_stats
        source = data_memory(bottom[0])
        self._described = source.descriptor
        runs: list[Run] = []
        needs_bottom = learns or self.scale is not None
        if needs_bottom and self.need_backward and top[0] is bottom[0]:
            if self._kept is None or self._kept.descriptor != self._described:
                self._kept = new_memory(self._described)
            runs.append(reorder(self, "the bottom is kept for backward", source, self._kept))
            source = self._kept
        self._source = source
        self._forward_recipe = self.recipe(
            "batch_normalization_forward",
            Prop.TRAINING if learns else Prop.INFERENCE,
            self._described,
            self._described,
            c_float(self.layer.eps),
            self._flags(),
            self.attributes(),
        )
        memories = {Arg.SRC: source, Arg.DST: data_memory(top[0]), **self._factors}
        memories |= self._statistics.memories
        normalise = self.primitive(self._forward_recipe, memories)
        if not learns:
            return [self._statistics.recall, *runs, normalise]
        values = max(bottom[0].count // self.layer.channels, 1)
        return [*runs, normalise, partial(self._statistics.remember, values)]

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """The gradients of the bottom and of an absorbed Scale."""
        if not any(propagate_down) and self.scale is None:
            return []
        recipe = self.recipe(
            "batch_normalization_backward",
            Prop.BACKWARD if self.scale else Prop.BACKWARD_DATA,
            self._described,
            self._described,
            self._described,
            c_float(self.layer.eps),
            self._flags(),
            self._forward_recipe,
            Attributes(),
        )
        memories = {
            Arg.SRC: self._source,
            Arg.DIFF_DST: diff_memory(top[0]),
            Arg.DIFF_SRC: diff_memory(bottom[0])
            if propagate_down[0]
            else new_memory(self._described),
            **self._statistics.memories,
        }
        if Arg.SCALE in self._factors:
            memories[Arg.SCALE] = self._factors[Arg.SCALE]
        adds: list[Run] = []
        if self.scale is not None:
            slopes = zip((Arg.DIFF_SCALE, Arg.DIFF_SHIFT), self.scale.blobs, strict=False)
            for (role, blob), wanted in zip(slopes, self.scale.param_propagate_down, strict=True):
                memories[role] = new_memory(dense(blob.shape))
                if wanted:
                    adds.append(copied(memories[role], blob.diff_tensor))
        return [self.primitive(recipe, memories), *adds]

    def _channels(self) -> tuple[int]:
        return (self.layer.channels,)

    def _learned(self) -> dict[int, Memory]:
        """The memories of an absorbed Scale's factor and bias."""
        if self.scale is None:
            return {}
        blobs = zip((Arg.SCALE, Arg.SHIFT), self.scale.blobs, strict=False)
        return {role: data_memory(blob) for role, blob in blobs}

    def _flags(self) -> int:
        flags = GLOBAL_STATISTICS if self.layer.use_global_stats else 0
        return flags | sum({Arg.SCALE: _SCALE, Arg.SHIFT: _SHIFT}[role] for role in self._factors)
