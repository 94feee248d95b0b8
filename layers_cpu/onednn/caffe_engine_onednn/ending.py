"""EndingKernel: what the kernels have in common whose primitive can end with a ReLU."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.layer import Layer
from caffe_engine_onednn.constants import Alg
from caffe_engine_onednn.kernel import OnednnKernel
from caffe_engine_onednn.memory import Descriptor
from caffe_engine_onednn.primitive import Attributes


class EndingKernel(OnednnKernel):
    """A kernel whose forward can end with a ReLU that follows in place.

    Attributes:
        relu: The slope for negative numbers of the ReLU with which it ends, if it does.
    """

    relu: float | None = None

    def absorb(self, layer: Layer) -> bool:
        """Apply a ReLU."""
        if self.relu is not None or layer.type != "ReLU" or layer.negative_slope < 0:
            return False
        self.relu = layer.negative_slope
        return True

    def release(self) -> None:
        """Apply no ReLU any more."""
        self.relu = None

    def attributes(
        self, addends: Sequence[Descriptor] = (), *, accumulate: bool = False
    ) -> Attributes:
        """Return what the primitive of the forward pass does beside its own computation."""
        relu = [] if self.relu is None else [(Alg.RELU, self.relu, 0.0)]
        return Attributes(accumulate=accumulate, addends=addends, eltwise=relu)
