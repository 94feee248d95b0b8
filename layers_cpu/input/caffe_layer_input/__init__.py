"""Input: blobs that the caller fills."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, at_least, exactly
from caffe_core.testing import Case


class Input(Layer):
    """Makes tops of given shapes, one ``shape`` for each or one for all, and leaves them alone.

    Without a ``shape`` the caller gives the blobs their shapes too, before the first forward.
    """

    bottoms = exactly(0)
    tops = at_least(1)
    facts = Facts(backward_reads=frozenset(), host_only=True)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops their shapes, once: afterwards they are the caller's."""
        shapes = [tuple(shape.dim) for shape in self.param.input_param.shape]
        if len(shapes) not in (0, 1, len(top)):
            raise self.error(
                f"there are {len(shapes)} shapes for {len(top)} tops; "
                "give input_param one shape for all tops, one for each, or none"
            )
        for index, blob in enumerate(top[: len(top) if shapes else 0]):
            blob.reshape(shapes[index % len(shapes)])

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Keep the shapes, which the caller may have changed."""


class InputKernel(Kernel):
    """Leaves the tops as the caller filled them."""

    formats = ANY_FORMAT

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Do nothing."""


CASES = [
    Case("input_param { shape { dim: 2 dim: 3 } }", bottom=[], note="zeros until it is filled"),
    Case("input_param { shape { dim: 4 } }", bottom=[], tops=2, note="one shape for all tops"),
]
