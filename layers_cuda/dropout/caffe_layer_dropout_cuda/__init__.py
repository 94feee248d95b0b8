"""The CUDA kernel of Dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_layer_dropout import Dropout

from caffe_core.blob import CONTIGUOUS, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.source import Source
from caffe_core.layer import Phase
from caffe_core.neuron import NeuronKernel


class DropoutKernel(NeuronKernel, CudaKernel):
    """Dropout in one launch each way. The mask is drawn again in backward rather than kept.

    Attributes:
        key: From which the mask of the last forward was drawn.
    """

    source = Source.beside(__file__, "dropout.cu")
    layer: Dropout

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """See how far the order of memory is from that of the axes."""
        super().prepare(bottom, top)
        x = bottom[0]
        same = x.format is CONTIGUOUS or len(x.shape) < 3
        self.inner, self.channels = (1, 1) if same else (x.span(2), x.shape[1])

    def activate(self, x: Any, y: Any) -> None:
        """Write what is kept, scaled, and zeros."""
        if self.layer.phase is Phase.TRAIN:
            self.key = int(self.layer.rng.integers(1 << 63))
        self._pass_on(x, y)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff where the last forward kept x, scaled, and zeros."""
        self._pass_on(dy, dx)

    def _pass_on(self, source: Any, target: Any) -> None:
        if self.layer.phase is Phase.TRAIN:
            ratio, scale = self.layer.ratio, self.layer.scale
            self.function("drop")(
                source.size, source, target, self.key, ratio, scale, self.inner, self.channels
            )
        elif target is not source:
            target[...] = source
