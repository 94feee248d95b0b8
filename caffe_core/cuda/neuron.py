"""CudaNeuronKernel: layers that apply one function to every element, in one launch."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.source import Source, elementwise
from caffe_core.neuron import NeuronKernel


class CudaNeuronKernel(NeuronKernel, CudaKernel):
    """y = f(x) for each element x of the bottom and y of the top, each direction as one kernel.

    A subclass is two expressions in CUDA C. Write numbers as ``Real(0.5)``: ``0.5`` would make
    double precision of the whole. ``x`` and ``y`` are fetched only where the expression takes them,
    so `dx` may name both, as long as it takes what the layer's ``backward_reads`` allows.

    Attributes:
        y: The top from ``x``.
        dx: The bottom's gradient from the top's, ``dy``, and ``x`` or ``y`` or both.
        constants: Attributes of the layer, numbers, that the expressions name.
        functions: CUDA C of functions that the expressions call.
    """

    y: ClassVar[str]
    dx: ClassVar[str]
    constants: ClassVar[tuple[str, ...]] = ()
    functions: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        more = "".join(f", Real {name}" for name in cls.constants)
        launched = elementwise(
            f"{cls.__module__}.{cls.__name__}",
            forward=(
                f"const Real* x_, Real* y_{more}",
                f"{_fetched('x', cls.y)}y_[i] = {cls.y};",
            ),
            backward=(
                f"const Real* x_, const Real* y_, const Real* dy_, Real* dx_{more}",
                f"{_fetched('x y dy', cls.dx)}dx_[i] = {cls.dx};",
            ),
        )
        cls.source = Source(launched.name, f"{cls.functions}\n{launched.text}")

    def activate(self, x: Any, y: Any) -> None:
        """Write y = f(x)."""
        self.function("forward")(x.size, x, y, *self._values())

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write dx = f'(x) dy."""
        self.function("backward")(x.size, x, y, dy, dx, *self._values())

    def _values(self) -> list[float]:
        return [getattr(self.layer, name) for name in self.constants]


def _fetched(names: str, expression: str) -> str:
    """Declare those of `names` that the expression takes."""
    taken = [name for name in names.split() if re.search(rf"\b{name}\b", expression)]
    return "".join(f"const Real& {name} = {name}_[i]; " for name in taken)
