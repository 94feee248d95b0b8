"""Mish: y = x * tanh(log(1 + exp(x)))."""

from __future__ import annotations

from typing import Any

from caffe_core.cuda.neuron import CudaNeuronKernel
from caffe_core.layer import Facts, Layer
from caffe_core.neuron import NeuronKernel
from caffe_core.testing import Case, uniform

_SATURATED = 20.0


class Mish(Layer):
    """Smooth activation that is not monotonic.

    Source: Misra, "Mish: A self regularized non-monotonic activation function", 2019.
    """

    facts = Facts(elementwise=True, backward_reads=frozenset({"bottom"}))


class MishKernel(NeuronKernel):
    """Mish on arrays, without logarithms: with e = exp(x) and n = e * (e + 2), y = x * n / (n + 2).

    From 20 on that is x, to the last digit of float64, so a larger e is not needed and none
    overflows.
    """

    def activate(self, x: Any, y: Any) -> None:
        """Write the top."""
        below = self.workspace.like(x)
        self._exp(x, out=y)
        self.xp.add(y, 2, out=below)
        y *= below
        self.xp.add(y, 2, out=below)
        y /= below
        y *= x

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write (n + 4 * x * e * (e + 1) / (n + 2)) / (n + 2), times the top's diff."""
        e, below = self.workspace.array((2, *x.shape), x.dtype)
        self._exp(x, out=e)
        self.xp.add(e, 2, out=below)
        below *= e
        below += 2
        self.xp.add(e, 1, out=dx)
        dx *= e
        dx /= below
        dx *= x
        dx *= 4
        dx += below
        dx -= 2
        dx /= below
        dx *= dy

    def _exp(self, x: Any, out: Any) -> None:
        self.xp.minimum(x, _SATURATED, out=out)
        self.xp.exp(out, out=out)


class MishCudaKernel(CudaNeuronKernel):
    """Mish on a GPU: the same arithmetic as two functions in CUDA C."""

    functions = """
        __device__ inline Real value(Real x) {
            Real e = exp(x < 20 ? x : Real(20)), n = e * (e + 2);
            return x * (n / (n + 2));
        }

        __device__ inline Real slope(Real x) {
            Real e = exp(x < 20 ? x : Real(20)), n = e * (e + 2);
            return (n + 4 * x * (e * (e + 1) / (n + 2))) / (n + 2);
        }
    """
    y = "value(x)"
    dx = "dy * slope(x)"


CASES = [
    Case(bottom=[(2, 3, 4, 5)]),
    Case(bottom=[uniform((3, 7), -100, 100)], note="far from zero, where exp overflows"),
    Case(bottom=[(6,)], phase="TEST"),
]
