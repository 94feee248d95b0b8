"""Convolution and deconvolution on oneDNN."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.layer import Layer
from caffe_engine_onednn.combine import adds
from caffe_engine_onednn.constants import Alg, Arg, Query, added
from caffe_engine_onednn.convolution_gradients import bottom_gradients, weight_gradients
from caffe_engine_onednn.ending import EndingKernel
from caffe_engine_onednn.folding import Folded, can_fold
from caffe_engine_onednn.fresh import Fresh
from caffe_engine_onednn.geometry import (
    convolution_path,
    convolution_weights,
    deconvolution_path,
    deconvolution_weights,
)
from caffe_engine_onednn.kernel import Run
from caffe_engine_onednn.memory import (
    Descriptor,
    any_layout,
    data_memory,
    dense,
    of_blob,
)
from caffe_engine_onednn.weights import packed


class ConvolutionKernel(EndingKernel):
    """Convolution over one, two or three spatial axes."""

    in_bfloat16 = True
    joins_in_place = True
    kind = "convolution"
    algorithm = Alg.CONVOLUTION_DIRECT
    weights = staticmethod(convolution_weights)
    path = staticmethod(convolution_path)
    folded: Sequence[Layer] = ()
    addends = 0

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

    def absorb_join(self, layer: Layer, others: Sequence[Blob]) -> bool:
        """Add other blobs, if there is no backward and no ReLU before."""
        fits = self.relu is None and not self.need_backward and not self.addends
        if not fits or layer.type != "Eltwise" or not adds(layer):
            return False
        self.addends = len(others)
        return True

    def release(self) -> None:
        """Convolve only."""
        super().release()
        self.folded = []
        self.addends = 0

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """One convolution for each bottom, on weights packed once."""
        bottom, others = bottom[: len(top)], bottom[len(top) :]
        in_place = [other for other in others if other.data_tensor is top[0].data_tensor]
        others = [other for other in others if other not in in_place]
        first, result = of_blob(bottom[0]), of_blob(top[0])
        self.weight = self.weights(self.layer)
        self.geometry = self.path(self.layer, bottom[0].shape[2:], top[0].shape[2:])
        self.forward_recipe = self.recipe(
            f"{self.kind}_forward",
            self.prop,
            self.algorithm,
            first,
            any_layout(self.weight.shape, self.type),
            self.bias,
            result,
            *self.geometry,
            self.attributes([of_blob(other) for other in others], accumulate=bool(in_place)),
        )
        weight, bias, runs = self._effective()
        memory, keep = packed(self, weight, self.weight, self.forward_recipe.wanted(Query.WEIGHTS))
        runs += keep
        for below, above in zip(bottom, top, strict=True):
            memories = {
                Arg.SRC: data_memory(below, first),
                Arg.WEIGHTS: memory,
                Arg.DST: data_memory(above, result),
            }
            for index, other in enumerate(others):
                memories[added(index)] = data_memory(other)
            if bias is not None:
                memories[Arg.BIAS] = data_memory(bias)
            runs.append(self.primitive(self.forward_recipe, memories))
        return runs

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """The gradients of weight and bias, then that of each bottom that wants it."""
        runs: list[Run] = []
        if any(self.layer.param_propagate_down):
            runs += weight_gradients(self, top, bottom)
        if any(propagate_down):
            runs += bottom_gradients(self, top, propagate_down, bottom)
        return runs

    def _effective(self) -> tuple[Blob, Blob | None, list[Run]]:
        """Return weight and bias with what is folded in, and the calls that keep them fresh."""
        if not self.folded:
            return self.blobs[0], self.blobs[1] if len(self.blobs) > 1 else None, []
        folded = Folded(self.blobs, self.folded)
        return folded.weight, folded.bias, [Fresh(folded.blobs, folded.refresh)]

    @property
    def bias(self) -> Descriptor | None:
        """Describe the bias, if there is one."""
        biased = len(self.blobs) > 1 or bool(self.folded)
        return dense((self.layer.outputs,)) if biased else None


class DeconvolutionKernel(ConvolutionKernel):
    """Deconvolution over one, two or three spatial axes."""

    kind = "deconvolution"
    algorithm = Alg.DECONVOLUTION_DIRECT
    weights = staticmethod(deconvolution_weights)
    path = staticmethod(deconvolution_path)

    def absorb(self, layer: Layer) -> bool:
        """Apply a ReLU only: the weight has its outputs second, so nothing is folded in."""
        return EndingKernel.absorb(self, layer)
