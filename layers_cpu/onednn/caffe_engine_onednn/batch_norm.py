"""BatchNorm on oneDNN, together with the Scale and the ReLU that follow in place."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_float

import numpy as np

from caffe_core.blob import Blob
from caffe_core.layer import Layer
from caffe_engine_onednn.constants import Arg, Prop
from caffe_engine_onednn.ending import EndingKernel
from caffe_engine_onednn.gradients import copied
from caffe_engine_onednn.kernel import Run
from caffe_engine_onednn.memory import Memory, data_memory, dense, diff_memory, new_memory, of_blob
from caffe_engine_onednn.primitive import Attributes
from caffe_engine_onednn.weights import reorder

_GLOBAL_STATISTICS, _SCALE, _SHIFT = 1, 2, 4


class BatchNormKernel(EndingKernel):
    """Batch normalisation.

    A Scale that follows is absorbed both ways: its gradients are part of the primitive. In place,
    forward keeps a copy of the bottom for backward, which needs it unless statistics are stored
    ones and there is no Scale.
    """

    in_bfloat16 = True
    scale: Layer | None = None

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

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One normalisation; the stored statistics are recalled before it or renewed after it."""
        self._mean, self._variance = (new_memory(dense(self._channels())) for _ in range(2))
        self._factors = self._learned()
        learns = not self.layer.use_global_stats
        source = data_memory(bottom[0])
        runs: list[Run] = []
        needs_bottom = learns or self.scale is not None
        if needs_bottom and self.need_backward and top[0] is bottom[0]:
            kept = new_memory(of_blob(bottom[0]))
            runs.append(reorder(self, "the bottom is kept for backward", source, kept))
            source = kept
        self._source = source
        self._described = of_blob(bottom[0])
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
        memories |= {Arg.MEAN: self._mean, Arg.VARIANCE: self._variance}
        normalise = self.primitive(self._forward_recipe, memories)
        if not learns:
            return [self._recall, *runs, normalise]
        self._values = max(bottom[0].count // self.layer.channels, 1)
        return [*runs, normalise, self._remember]

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
            Arg.MEAN: self._mean,
            Arg.VARIANCE: self._variance,
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
        flags = _GLOBAL_STATISTICS if self.layer.use_global_stats else 0
        return flags | sum({Arg.SCALE: _SCALE, Arg.SHIFT: _SHIFT}[role] for role in self._factors)

    def _recall(self) -> None:
        """Take mean and variance from the stored sums."""
        mean, variance, total = (blob.data_tensor.read() for blob in self.blobs)
        factor = 1 / total[0] if total[0] else 0.0
        np.multiply(mean, factor, out=self._mean.array.view(np.float32))
        np.multiply(variance, factor, out=self._variance.array.view(np.float32))

    def _remember(self) -> None:
        """Add the batch's mean and unbiased variance to the stored sums."""
        unbiased = self._values / max(self._values - 1, 1)
        mean, variance = (each.array.view(np.float32) for each in (self._mean, self._variance))
        for blob, new in zip(self.blobs, (mean, unbiased * variance, 1), strict=True):
            stored = blob.data_tensor.modify()
            stored *= self.layer.moving_average_fraction
            stored += new
