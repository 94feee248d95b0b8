"""EndingKernel: what the kernels have in common whose primitive can end with a ReLU."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.rectifying import RectifyingKernel
from caffe_engine_onednn.constants import Alg
from caffe_engine_onednn.kernel import OnednnKernel
from caffe_engine_onednn.memory import Descriptor
from caffe_engine_onednn.primitive import Attributes


class EndingKernel(RectifyingKernel, OnednnKernel):
    """A kernel whose forward can end with a ReLU that follows in place."""

    def attributes(
        self, addends: Sequence[Descriptor] = (), *, accumulate: bool = False
    ) -> Attributes:
        """Return what the primitive of the forward pass does beside its own computation."""
        relu = [] if self.relu is None else [(Alg.RELU, self.relu, 0.0)]
        return Attributes(accumulate=accumulate, addends=addends, eltwise=relu)
