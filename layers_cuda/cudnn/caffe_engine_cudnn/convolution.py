"""Convolution and deconvolution on cuDNN."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from caffe_core.blob import CONTIGUOUS, Blob, MemoryFormat
from caffe_core.layer import Layer
from caffe_engine_cudnn.correlation import Correlation, Wanted
from caffe_engine_cudnn.ending import EndingKernel
from caffe_engine_cudnn.graph import Layout
from caffe_engine_cudnn.library import CudnnError
from caffe_engine_cudnn.plan import Plan, fastest


class ConvolutionKernel(EndingKernel):
    """Convolution over one, two or three spatial axes.

    The weight stays as Caffe stores it, whatever the format of the images. A ReLU that follows in
    place is computed too: by cuDNN if it has code for the whole that is faster, else in one launch
    with the bias.
    """

    result, gradient = Wanted.OUTPUT, Wanted.IMAGE

    @classmethod
    def fails(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse what cuDNN has no convolution for."""
        axes = len(layer.geometry.kernel)
        if layer.axis != 1 or axes not in (1, 2, 3):
            return f"cuDNN takes 1 to 3 spatial axes behind axis 1, not {axes} behind {layer.axis}"
        return super().fails(layer, bottom, top)

    @classmethod
    def computations(
        cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob], memory_format: MemoryFormat
    ) -> Iterator[Correlation]:
        """The result and both gradients."""
        below, above = (Layout.dense(blobs[0].shape, memory_format) for blobs in (bottom, top))
        for wanted in Wanted:
            yield cls._correlation(layer, wanted, below, above)

    @classmethod
    def _correlation(
        cls, layer: Layer, wanted: Wanted, below: Layout, above: Layout
    ) -> Correlation:
        image, output = cls.sides(below, above)
        weight = Layout.dense(layer.blobs[0].shape, CONTIGUOUS)
        return Correlation(wanted, image, weight, output, layer.geometry)

    @staticmethod
    def sides(below: Any, above: Any) -> tuple[Any, Any]:
        """Return which of bottom and top is the image, and which the output."""
        return below, above

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Ask for the plans of the present shapes; those of the gradients when they are needed."""
        self._empty = not all(blob.count for blob in (*bottom, *top))
        if self._empty:
            return
        layouts = Layout.of(bottom[0]), Layout.of(top[0])
        self._correlations = {
            wanted: self._correlation(self.layer, wanted, *layouts) for wanted in Wanted
        }
        self.prepare_end(top[0])
        plain = self._correlations[self.result]
        self._plain = self.plan(plain)
        self._whole = replace(plain, biased=len(self.blobs) > 1, rectified=self.relu == 0)
        self._fused = None if self._whole == plain or self.relu else self._plan_or_none(self._whole)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write each top."""
        if self._empty:
            return
        weight, *bias = [blob.read() for blob in self.blobs]
        for below, above in zip(bottom, top, strict=True):
            self._compute(below.read(), weight, bias, above.overwrite())

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diffs of the bottoms, add to those of weight and bias."""
        if self._empty:
            return
        wanted = self.layer.param_propagate_down
        for above, below, down in zip(top, bottom, propagate_down, strict=True):
            dy = above.read_diff()
            if wanted[0]:
                self._add_weight(*self.sides(below.read(), dy))
            if len(self.blobs) > 1 and wanted[1]:
                self.add_sums(dy, self.blobs[1].diff)
            if down:
                plan = self.plan(self._correlations[self.gradient])
                self.run(plan, dy, self.blobs[0].read(), below.overwrite_diff())

    def _compute(self, x: Any, weight: Any, bias: list[Any], y: Any) -> None:
        """Write one top: all by cuDNN, or what is left to do in a launch of its own."""

        def whole() -> None:
            assert self._fused is not None
            self.run(self._fused, x, weight, *bias, y)

        def parts() -> None:
            self.run(self._plain, x, weight, y)
            self.end(y, bias[0] if bias else None)

        if self._fused is None:
            parts()
            return
        faster = self.library.fused
        if self._whole not in faster:
            faster[self._whole] = fastest(self.library, {True: whole, False: parts})
        (whole if faster[self._whole] else parts)()

    def _plan_or_none(self, correlation: Correlation) -> Plan | None:
        try:
            return self.plan(correlation)
        except CudnnError:
            return None

    def _add_weight(self, image: Any, output: Any) -> None:
        plan = self.plan(self._correlations[Wanted.WEIGHT])
        weight = self.blobs[0]
        if weight.diff_tensor.is_clear:
            self.run(plan, image, output, weight.overwrite_diff())
        else:
            (more,) = self.run_beside(plan, [(weight.shape, weight.dtype)], image, output)
            diff = weight.diff
            diff += more


class DeconvolutionKernel(ConvolutionKernel):
    """Deconvolution over one, two or three spatial axes: a convolution from top to bottom."""

    result, gradient = Wanted.IMAGE, Wanted.OUTPUT

    @staticmethod
    def sides(below: Any, above: Any) -> tuple[Any, Any]:
        """Return the top as the image, the bottom as the output."""
        return above, below
