"""Bias: y = x + b, where b is learned or another bottom."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, between
from caffe_core.testing import Case
from caffe_layer_bias.alignment import aligned, learned_shape

__all__ = ["CASES", "Bias", "BiasKernel", "aligned", "learned_shape"]


class Bias(Layer):
    """Adds a learned blob, or bottom 1, to bottom 0.

    What is added has the shape of some axes of bottom 0, from ``axis`` on, and is the same for each
    index of the others. A learned one spans ``num_axes`` axes, all that remain if -1; with 0 it is
    a single number ``()``, whatever the axis.

    Learned blob: the bias, if there is no bottom 1. It starts as ``filler`` says, 0 by default.
    """

    bottoms = between(1, 2)
    facts = Facts(inplace=True, backward_reads=frozenset())

    @property
    def positionwise(self) -> bool:
        """Whether the bias is learned and the same at all spatial positions."""
        return self.facts.elementwise and self.alignment.end <= 2

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Create the bias, unless it is a bottom."""
        param = self.param.bias_param
        if len(bottom) == 1:
            self.facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset())
            shape = learned_shape(self, bottom[0], param.axis, param.num_axes)
            self.add_blob(shape, param.filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Align the bias with bottom 0."""
        bias = bottom[1] if len(bottom) > 1 else self.blobs[0]
        self.alignment = aligned(self, bottom[0], bias, self.param.bias_param.axis, "the bias")
        top[0].reshape(bottom[0].shape)


class BiasKernel(Kernel):
    """Bias on arrays."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate one gradient of a learned bias."""
        if self.blobs:
            self.total = self.xp.empty(self.blobs[0].shape, self.blobs[0].dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        bias = self.blobs[0] if self.blobs else bottom[1]
        spread = self.layer.alignment.spread(bias.data)
        self.xp.add(bottom[0].data, spread, out=top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottoms' diffs, add to that of a learned bias."""
        dy, others = top[0].diff, self.layer.alignment.others
        if not self.blobs and propagate_down[1]:
            self.xp.add.reduce(dy, axis=others, out=bottom[1].diff)
        if self.blobs and self.layer.param_propagate_down[0]:
            self.blobs[0].diff[...] += self.xp.add.reduce(dy, axis=others, out=self.total)
        if propagate_down[0] and bottom[0] is not top[0]:
            bottom[0].diff[...] = dy


CASES = [
    Case(note="one bias for each channel"),
    Case("bias_param { axis: 0 num_axes: -1 }", bottom=[(2, 3)], note="one for each element"),
    Case("bias_param { axis: -2 num_axes: 2 }", bottom=[(2, 3, 4, 5)], note="one for each pixel"),
    Case("bias_param { num_axes: 0 }", bottom=[(2, 3, 4)], note="a single one"),
    Case(bottom=[(2, 3, 4, 5), (3,)], note="from a second bottom"),
    Case("bias_param { axis: 0 }", bottom=[(2, 3, 4), (2, 3, 4)]),
    Case(bottom=[(2, 3), ()], note="a single one from a second bottom"),
]
