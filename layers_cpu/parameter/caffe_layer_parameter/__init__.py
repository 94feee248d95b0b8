"""Parameter: a learned blob as a top."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, exactly
from caffe_core.testing import Case


class Parameter(Layer):
    """Makes a learned blob of the given ``shape`` a top, so that any layer can use it.

    The top is a copy, so that layers above may run in place, and the gradient is added up over
    ``iter_size`` passes like every other.

    Learned blob: the top, which starts as zeros.
    """

    bottoms = exactly(0)
    facts = Facts(backward_reads=frozenset())

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Create the blob."""
        self.add_blob(self.param.parameter_param.shape.dim)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the blob's shape."""
        top[0].reshape(self.blobs[0].shape)


class ParameterKernel(Kernel):
    """Parameter on arrays."""

    formats = ANY_FORMAT

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        top[0].overwrite()[...] = self.blobs[0].read()

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Add to the blob's diff."""
        if self.layer.param_propagate_down[0]:
            self.blobs[0].diff[...] += top[0].read_diff()


CASES = [
    Case("parameter_param { shape { dim: 1 dim: 3 dim: 4 dim: 5 } }", bottom=[]),
    Case("parameter_param { shape {} }", bottom=[], note="a single number"),
]
