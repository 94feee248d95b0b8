"""ReLU6: y = min(max(x, 0), 6)."""

from __future__ import annotations

from typing import Any

from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case, uniform


class ReLU6(Layer):
    """Rectified linear unit that ends at 6. At 0 and 6 the gradient is 0.

    Source: Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010.
    """

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"top"}))


class ReLU6Kernel(NeuronKernel):
    """ReLU6 on arrays."""

    def activate(self, x: Any, y: Any) -> None:
        """Write the clipped values."""
        self.xp.clip(x, 0, 6, out=y)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff where y is between 0 and 6, 0 elsewhere."""
        between = self.workspace.like(y, bool)
        self.xp.greater(y, 0, out=between)
        self.xp.multiply(dy, between, out=dx)
        self.xp.less(y, 6, out=between)
        dx *= between


CASES = [
    Case(bottom=[uniform((2, 3, 4, 5), -4, 10)]),
    Case(bottom=[(7,)]),
]
