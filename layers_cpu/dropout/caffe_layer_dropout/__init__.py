"""Dropout: while training, each value is 0 with probability ``dropout_ratio``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, Phase
from caffe_core.testing import Case


class Dropout(Layer):
    """Drops values at random in TRAIN and passes them on unchanged in TEST.

    What is kept is multiplied by ``1 / (1 - dropout_ratio)``, so that its mean stays the same.

    Source: Hinton et al., "Improving neural networks by preventing co-adaptation of feature
    detectors", 2012; scaled while training, as in Caffe.
    """

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset())

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the ratio."""
        self.ratio = self.param.dropout_param.dropout_ratio
        if not 0 <= self.ratio <= 1:
            raise self.error(f"dropout_ratio must be from 0 to 1, got {self.ratio:g}; change it")
        self.scale = 1 / (1 - self.ratio) if self.ratio < 1 else 0.0


class DropoutKernel(Kernel):
    """Dropout as a product with a mask of zeros and scales."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the mask, which backward uses again."""
        if self.layer.phase is Phase.TRAIN:
            self.mask = np.zeros_like(bottom[0].data)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Draw a mask and write the top."""
        if self.layer.phase is Phase.TRAIN:
            self._draw_mask()
        self._pass_on(bottom[0].data, top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff with the mask of the last forward."""
        if propagate_down[0]:
            self._pass_on(top[0].diff, bottom[0].diff)

    def _draw_mask(self) -> None:
        # Drawn in the order of the axes, not of memory: one seed, one result in either format.
        drawn = self.workspace.array(self.mask.shape, self.mask.dtype)
        self.layer.rng.random(dtype=drawn.dtype, out=drawn)
        np.greater_equal(drawn, self.layer.ratio, out=self.mask)
        self.mask *= self.layer.scale

    def _pass_on(self, source: np.ndarray, target: np.ndarray) -> None:
        if self.layer.phase is Phase.TRAIN:
            np.multiply(source, self.mask, out=target)
        elif target is not source:
            target[...] = source


CASES = [
    Case(note="half of the values"),
    Case("dropout_param { dropout_ratio: 0.2 }", bottom=[(6, 7)]),
    Case("dropout_param { dropout_ratio: 0 }", bottom=[(3, 5)], note="all are kept"),
    Case("dropout_param { dropout_ratio: 1 }", bottom=[(3, 5)], note="none is kept"),
    Case("dropout_param { dropout_ratio: 0.8 }", phase="TEST", note="identity in TEST"),
]
