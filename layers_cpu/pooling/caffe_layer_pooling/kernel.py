"""Pooling on NumPy: passes over the whole of an image for each element of the kernel."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Phase
from caffe_layer_pooling.average import AveragePooling
from caffe_layer_pooling.layer import PoolingParameter
from caffe_layer_pooling.maximum import MaxPooling
from caffe_layer_pooling.stochastic import ExpectedPooling, RandomPooling

_METHODS = {
    (PoolingParameter.MAX, Phase.TRAIN): MaxPooling,
    (PoolingParameter.MAX, Phase.TEST): MaxPooling,
    (PoolingParameter.AVE, Phase.TRAIN): AveragePooling,
    (PoolingParameter.AVE, Phase.TEST): AveragePooling,
    (PoolingParameter.STOCHASTIC, Phase.TRAIN): RandomPooling,
    (PoolingParameter.STOCHASTIC, Phase.TEST): ExpectedPooling,
}


class PoolingKernel(Kernel):
    """Pooling by the method that the layer names, each with its forward and backward."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Lay the windows out over the present shapes."""
        method = _METHODS[self.layer.method, self.layer.phase]
        self.pooling = method(self.layer, bottom[0], self.workspace)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the tops."""
        self.pooling.forward(bottom, top)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff; the mask has no gradient."""
        if propagate_down[0]:
            self.pooling.backward(top, bottom)
