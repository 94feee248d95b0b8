"""Scale: y = a x + b, where a is learned or another bottom, and b is learned if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_layer_bias import aligned, learned_shape

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, between
from caffe_core.proto import caffe_pb2
from caffe_core.testing import Case


class Scale(Layer):
    """Multiplies bottom 0 by a learned blob, or by bottom 1; with ``bias_term``, then adds another.

    The factor has the shape of some axes of bottom 0, from ``axis`` on, and is the same for each
    index of the others. A learned one spans ``num_axes`` axes, all that remain if -1; with 0 it is
    a single number ``()``, whatever the axis.

    Learned blobs: the factor, if there is no bottom 1, which starts as ``filler`` says, 1 by
    default; and with ``bias_term`` the bias, of the factor's shape, 0 unless ``bias_filler`` says
    otherwise.
    """

    bottoms = between(1, 2)
    facts = Facts(inplace=True, backward_reads=frozenset({"bottom"}))

    @property
    def positionwise(self) -> bool:
        """Whether the factor is learned and the same at all spatial positions."""
        return self.facts.elementwise and self.alignment.end <= 2

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Create the factor, unless it is a bottom, and the bias."""
        param = self.param.scale_param
        if len(bottom) == 1:
            self.facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"bottom"}))
            one = caffe_pb2.FillerParameter(type="constant", value=1)
            shape = learned_shape(self, bottom[0], param.axis, param.num_axes)
            self.add_blob(shape, param.filler if param.HasField("filler") else one)
        if param.bias_term:
            self.add_blob(self._factor(bottom).shape, param.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Align factor and bias with bottom 0."""
        param, factor = self.param.scale_param, self._factor(bottom)
        self.alignment = aligned(self, bottom[0], factor, param.axis, "the factor")
        if param.bias_term:
            aligned(self, bottom[0], self.blobs[-1], param.axis, "the bias")
        top[0].reshape(bottom[0].shape)

    def _factor(self, bottom: Sequence[Blob]) -> Blob:
        return bottom[1] if len(bottom) > 1 else self.blobs[0]


class ScaleKernel(Kernel):
    """Scale on arrays. In place, it keeps a copy of the bottom, which backward reads."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate a sum, and the copy of the bottom if there is need of one."""
        factor = self._factor(bottom)
        self.bias = self.blobs[-1] if self.layer.param.scale_param.bias_term else None
        self.total = self.xp.empty(factor.shape, factor.dtype)
        reads = len(bottom) > 1 or self.layer.param_propagate_down[0]
        lost = top[0] is bottom[0] and self.need_backward and reads
        self.kept = self.xp.empty_like(bottom[0].data) if lost else None

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        spread = self.layer.alignment.spread
        x, y = bottom[0].data, top[0].data
        if self.kept is not None:
            self.kept[...] = x
        self.xp.multiply(x, spread(self._factor(bottom).data), out=y)
        if self.bias is not None:
            y += spread(self.bias.data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Add to the diffs of what is learned, then write the bottoms', which may be the top's."""
        dy, wanted = top[0].diff, self.layer.param_propagate_down
        if self.bias is not None and wanted[-1]:
            self.bias.diff[...] += self._total(dy, self.total)
        if len(bottom) == 1 and wanted[0]:
            self.blobs[0].diff[...] += self._total(self._product(dy, bottom), self.total)
        if len(bottom) > 1 and propagate_down[1]:
            self._total(self._product(dy, bottom), bottom[1].diff)
        if propagate_down[0]:
            factor = self.layer.alignment.spread(self._factor(bottom).data)
            self.xp.multiply(dy, factor, out=bottom[0].diff)

    def _factor(self, bottom: Sequence[Blob]) -> Blob:
        return bottom[1] if len(bottom) > 1 else self.blobs[0]

    def _product(self, dy: Any, bottom: Sequence[Blob]) -> Any:
        """The top's diff times the bottom, as it was before any change in place."""
        x = bottom[0].data if self.kept is None else self.kept
        return self.xp.multiply(dy, x, out=self.workspace.like(dy))

    def _total(self, array: Any, out: Any) -> Any:
        """Sum over all axes that the factor does not span."""
        return self.xp.add.reduce(array, axis=self.layer.alignment.others, out=out)


CASES = [
    Case(note="one factor for each channel"),
    Case("scale_param { bias_term: true }", bottom=[(2, 3, 4, 5)], note="as after BatchNorm"),
    Case("scale_param { axis: 0 num_axes: -1 bias_term: true }", bottom=[(2, 3)]),
    Case("scale_param { axis: -2 num_axes: 2 }", bottom=[(2, 3, 4, 5)], note="one for each pixel"),
    Case("scale_param { num_axes: 0 bias_term: true }", bottom=[(2, 3, 4)], note="a single one"),
    Case(bottom=[(2, 3, 4, 5), (3,)], note="from a second bottom"),
    Case("scale_param { axis: 0 bias_term: true }", bottom=[(2, 3, 4), (2, 3, 4)]),
    Case("scale_param { axis: 0 }", bottom=[(2, 3, 4, 5), (2, 3)], note="one for each channel map"),
    Case("scale_param { bias_term: true }", bottom=[(2, 3), ()]),
]
