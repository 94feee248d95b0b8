"""PReLU: y = max(x, 0) + slope * min(x, 0), with learned slopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.proto import caffe_pb2
from caffe_core.testing import Case


class PReLU(Layer):
    """Parametric rectified linear unit. At 0 the gradient is that of the negative side.

    Learned blob: the slopes ``(channels,)``, channels being axis 1; or one slope ``()`` with
    ``channel_shared``. They start as 0.25 unless ``filler`` says otherwise.

    Source: He et al., "Delving deep into rectifiers", 2015.
    """

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"bottom"}))

    positionwise = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Create the slopes."""
        param = self.param.prelu_param
        self.shared = param.channel_shared
        if len(bottom[0].shape) < 2:
            raise self.error(
                f"needs at least 2 axes, the second for channels; bottom {self.param.bottom[0]!r} "
                f"has shape {bottom[0].shape}; reshape it"
            )
        quarter = caffe_pb2.FillerParameter(type="constant", value=0.25)
        filler = param.filler if param.HasField("filler") else quarter
        self.add_blob(() if self.shared else bottom[0].shape[1:2], filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        super().reshape(bottom, top)
        if not self.shared and bottom[0].shape[1:2] != self.blobs[0].shape:
            raise self.error(
                f"has {self.blobs[0].count} slopes, bottom {self.param.bottom[0]!r} "
                f"{bottom[0].shape} has {bottom[0].shape[1]} channels; "
                "their number must not change, or set channel_shared"
            )


class PReLUKernel(NeuronKernel):
    """PReLU on arrays."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """See how slopes and channels go together."""
        super().prepare(bottom, top)
        axes = range(len(bottom[0].shape))
        shared = self.layer.shared
        self.others = tuple(axis for axis in axes if shared or axis != 1)
        self.spread = () if shared else (-1, *(1 for _ in axes[2:]))
        self.total = self.xp.empty(self.blobs[0].shape, bottom[0].dtype)

    def activate(self, x: Any, y: Any) -> None:
        """Write the positive part plus the sloping negative part."""
        negative = self.xp.minimum(x, 0, out=self.workspace.like(x))
        negative *= self.blobs[0].data.reshape(self.spread)
        self.xp.maximum(x, 0, out=y)
        y += negative

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Add to the slopes' diff, then write the bottom's, which may be the top's."""
        if self.layer.param_propagate_down[0]:
            x = self.input(bottom)
            negative = self.xp.minimum(x, 0, out=self.workspace.like(x))
            negative *= top[0].diff
            self.xp.add.reduce(negative, axis=self.others, out=self.total)
            self.blobs[0].diff[...] += self.total
        super().backward(top, propagate_down, bottom)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times 1 where x > 0, times the slope elsewhere."""
        slope = self.blobs[0].data.reshape(self.spread)
        factor = self.xp.greater(x, 0, out=self.workspace.like(x))
        factor *= 1 - slope
        factor += slope
        self.xp.multiply(dy, factor, out=dx)


CASES = [
    Case(note="one slope for each channel"),
    Case("prelu_param { channel_shared: true }", bottom=[(2, 3, 5)], note="one slope for all"),
    Case('prelu_param { filler { type: "constant" value: 0 } }', bottom=[(4, 6)]),
    Case("param { lr_mult: 0 }", bottom=[(3, 2, 4)], note="the slope stays 0.25"),
]
