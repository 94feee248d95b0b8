"""RectifyingKernel: what kernels have in common whose forward can end with a ReLU."""

from __future__ import annotations

from caffe_core.kernel import Kernel
from caffe_core.layer import Layer


class RectifyingKernel(Kernel):
    """A kernel whose forward can end with a ReLU that follows in place.

    Attributes:
        relu: The slope for negative numbers of the ReLU with which it ends, if it does.
    """

    relu: float | None = None

    def absorb(self, layer: Layer) -> bool:
        """Apply a ReLU."""
        slope = layer.param.relu_param.negative_slope
        if self.relu is not None or layer.type != "ReLU" or slope < 0:
            return False
        self.relu = slope
        return True

    def release(self) -> None:
        """Apply no ReLU any more."""
        self.relu = None
