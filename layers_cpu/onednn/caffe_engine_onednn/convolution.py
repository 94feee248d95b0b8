"""Convolution and deconvolution on oneDNN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import Blob, Shape
from caffe_core.layer import Layer
from caffe_engine_onednn.folding import Folded, can_fold
from caffe_engine_onednn.gradients import copied, reordered
from caffe_engine_onednn.kernel import OnednnKernel, Run
from caffe_engine_onednn.library import Alg, Arg, Query
from caffe_engine_onednn.memory import (
    Descriptor,
    any_layout,
    data_memory,
    dense,
    diff_memory,
    dims,
    new_memory,
    of_blob,
)
from caffe_engine_onednn.primitive import Attributes, Recipe
from caffe_engine_onednn.weights import Fresh, packed


class ConvolutionKernel(OnednnKernel):
    """Convolution over one, two or three spatial axes."""

    kind = "convolution"
    algorithm = Alg.CONVOLUTION_DIRECT
    applies_relu = True
    folded: Sequence[Layer] = ()

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse what the library has no convolution for."""
        spatial = len(layer.geometry.kernel)
        if layer.axis != 1 or spatial not in (1, 2, 3):
            return (
                f"oneDNN takes 1 to 3 spatial axes behind axis 1, not {spatial} behind {layer.axis}"
            )
        return super().refuses(layer, bottom, top)

    def absorb(self, layer: Layer) -> bool:
        """Fold in what scales and shifts each channel, if there is no backward; apply a ReLU."""
        foldable = self.relu is None and not self.need_backward
        if foldable and can_fold(layer, self.layer.outputs):
            self.folded = [*self.folded, layer]
            return True
        return super().absorb(layer)

    def release(self) -> None:
        """Convolve only."""
        super().release()
        self.folded = []

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One convolution for each bottom, on weights packed once."""
        first, result = of_blob(bottom[0]), of_blob(top[0])
        self._weights = self._plain_weights()
        self._geometry = self._overlap(bottom[0].shape[2:], top[0].shape[2:])
        self._recipe = self.recipe(
            f"{self.kind}_forward",
            self.prop,
            self.algorithm,
            first,
            any_layout(self._weights.shape),
            self._bias(),
            result,
            *self._geometry,
            self.attributes,
        )
        weight, bias, runs = self._effective()
        memory, keep = packed(self, weight, self._weights, _layout(self._recipe, Query.WEIGHTS))
        runs += keep
        for below, above in zip(bottom, top, strict=True):
            memories = {
                Arg.SRC: data_memory(below, first),
                Arg.WEIGHTS: memory,
                Arg.DST: data_memory(above, result),
            }
            if bias is not None:
                memories[Arg.BIAS] = data_memory(bias)
            runs.append(self.primitive(self._recipe, memories))
        return runs

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """The gradients of weight and bias, then that of each bottom that wants it."""
        runs: list[Run] = []
        if any(self.layer.param_propagate_down):
            runs += self._weight_gradients(top, bottom)
        if any(propagate_down):
            runs += self._bottom_gradients(top, propagate_down, bottom)
        return runs

    def _weight_gradients(self, top: Sequence[Blob], bottom: Sequence[Blob]) -> list[Run]:
        recipe = self.recipe(
            f"{self.kind}_backward_weights",
            self.algorithm,
            of_blob(bottom[0]),
            any_layout(self._weights.shape),
            self._bias(),
            of_blob(top[0]),
            *self._geometry,
            self._recipe,
            Attributes(),
        )
        gradient = new_memory(_layout(recipe, Query.DIFF_WEIGHTS))
        memories = {Arg.DIFF_WEIGHTS: gradient}
        runs: list[Run] = []
        adds: list[Run] = []
        wanted = self.layer.param_propagate_down
        if wanted[0]:
            plain = diff_memory(self.blobs[0], self._weights)
            adds.append(reordered(self, gradient, plain, self.blobs[0].diff_tensor))
        if len(self.blobs) > 1:
            bias = new_memory(dense(self.blobs[1].shape))
            memories[Arg.DIFF_BIAS] = bias
            if wanted[1]:
                adds.append(copied(bias, self.blobs[1].diff_tensor))
        for below, above in zip(bottom, top, strict=True):
            memories |= {Arg.SRC: data_memory(below), Arg.DIFF_DST: diff_memory(above)}
            runs += [self.primitive(recipe, memories), *adds]
        return runs

    def _bottom_gradients(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        recipe = self.recipe(
            f"{self.kind}_backward_data",
            self.algorithm,
            of_blob(bottom[0]),
            any_layout(self._weights.shape),
            of_blob(top[0]),
            *self._geometry,
            self._recipe,
            Attributes(),
        )
        wanted = _layout(recipe, Query.WEIGHTS)
        memory, runs = packed(self, self.blobs[0], self._weights, wanted)
        for above, down, below in zip(top, propagate_down, bottom, strict=True):
            if down:
                memories = {
                    Arg.DIFF_DST: diff_memory(above),
                    Arg.WEIGHTS: memory,
                    Arg.DIFF_SRC: diff_memory(below),
                }
                runs.append(self.primitive(recipe, memories))
        return runs

    def _effective(self) -> tuple[Blob, Blob | None, list[Run]]:
        """Return weight and bias with what is folded in, and the calls that keep them fresh."""
        if not self.folded:
            return self.blobs[0], self.blobs[1] if len(self.blobs) > 1 else None, []
        folded = Folded(self.blobs, self.folded)
        return folded.weight, folded.bias, [Fresh(folded.blobs, folded.refresh)]

    def _plain_weights(self) -> Descriptor:
        """Describe the learned weight as the library sees it: with an axis for groups, if any."""
        group, shape = self.layer.group, self.blobs[0].shape
        return dense(shape if group == 1 else (group, shape[0] // group, *shape[1:]))

    def _bias(self) -> Descriptor | None:
        biased = len(self.blobs) > 1 or bool(self.folded)
        return dense((self.layer.outputs,)) if biased else None

    def _overlap(self, image: Shape, positions: Shape) -> tuple[Any, ...]:
        """Stride, dilation and padding; at the end more where the last position overhangs."""
        geometry = self.layer.geometry
        after = [
            max((count - 1) * stride + extent - length - pad, pad)
            for count, stride, extent, length, pad in zip(
                positions, geometry.stride, geometry.extent, image, geometry.pad, strict=True
            )
        ]
        gaps = [dilation - 1 for dilation in geometry.dilation]
        return dims(geometry.stride), dims(gaps), dims(geometry.pad), dims(after)


def _layout(recipe: Recipe, what: Query) -> Descriptor:
    layout = recipe.layout(what)
    assert layout is not None
    return layout
