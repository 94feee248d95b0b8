"""What Eltwise does to its bottoms on a GPU: the operations of `caffe_layer_eltwise.operations`.

``forward(xs, y)`` writes y from the bottoms' data. ``backward(top, bottom, dxs)`` writes each array
of `dxs`, the bottoms' diffs; None stands where none is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from caffe_layer_eltwise import operations as cpu

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.source import elementwise

Arrays = Sequence[Any]

SOURCE = elementwise(
    "eltwise",
    weighted_sum=("const Real* a, const Real* b, Real* y, Real weight_a, Real weight_b",
                  "y[i] = weight_a * a[i] + weight_b * b[i];"),
    scale=("const Real* x, Real* y, Real weight", "y[i] = weight * x[i];"),
    product=("const Real* a, const Real* b, Real* y", "y[i] = a[i] * b[i];"),
    quotient=("const Real* x, const Real* y, const Real* dy, Real* dx",
              "dx[i] = y[i] / x[i] * dy[i];"),
    greatest=("const Real* a, const Real* b, Real* y, int* winner",
              "winner[i] = a[i] <= b[i]; y[i] = a[i] > b[i] || isnan(a[i]) ? a[i] : b[i];"),
    challenge=("const Real* x, Real* y, int* winner, int challenger",
               "if (x[i] > y[i]) winner[i] = challenger; "
               "if (x[i] > y[i] || isnan(x[i])) y[i] = x[i];"),
    won=("const Real* dy, Real* dx, const int* winner, int index",
         "dx[i] = winner[i] == index ? dy[i] : 0;"),
)  # fmt: skip


class Sum:
    """y = sum of coeff[i] * x[i]."""

    def __init__(self, kernel: CudaKernel, count: int):
        self.function, self.coeff = kernel.finder(), kernel.layer.coeff

    def forward(self, xs: Arrays, y: Any) -> None:
        """Write the sum."""
        add = self.function("weighted_sum")
        add(y.size, xs[0], xs[1], y, *self.coeff[:2])
        for x, coeff in zip(xs[2:], self.coeff[2:], strict=True):
            add(y.size, y, x, y, 1, coeff)

    def backward(self, top: Blob, bottom: Sequence[Blob], dxs: Arrays) -> None:
        """Write the top's diff times the coefficients."""
        for dx, coeff in zip(dxs, self.coeff, strict=True):
            if dx is not None:
                self.function("scale")(dx.size, top.read_diff(), dx, coeff)


class Product:
    """y = product of x[i]; the gradient multiplies all the others, so that zeros do no harm."""

    def __init__(self, kernel: CudaKernel, count: int):
        self.function = kernel.finder()

    def forward(self, xs: Arrays, y: Any) -> None:
        """Write the product."""
        self._multiply(xs, y)

    def backward(self, top: Blob, bottom: Sequence[Blob], dxs: Arrays) -> None:
        """Write the top's diff times all other bottoms."""
        for index, dx in enumerate(dxs):
            if dx is not None:
                others = [below.read() for below in (*bottom[:index], *bottom[index + 1 :])]
                self._multiply([top.read_diff(), *others], dx)

    def _multiply(self, factors: Arrays, product: Any) -> None:
        multiply = self.function("product")
        multiply(product.size, factors[0], factors[1], product)
        for factor in factors[2:]:
            multiply(product.size, product, factor, product)


class Quotient(Product):
    """Product whose gradient is y / x[i]: fewer operations, but NaN where x[i] is 0."""

    def backward(self, top: Blob, bottom: Sequence[Blob], dxs: Arrays) -> None:
        """Write the top's diff times top over bottom."""
        for below, dx in zip(bottom, dxs, strict=True):
            if dx is not None:
                arrays = below.read(), top.read(), top.read_diff()
                self.function("quotient")(dx.size, *arrays, dx)


class Maximum:
    """y = maximum of x[i]. Remembers which bottom won each element."""

    def __init__(self, kernel: CudaKernel, count: int):
        self.function = kernel.finder()
        self.winner = kernel.xp.empty(count, np.int32)

    def forward(self, xs: Arrays, y: Any) -> None:
        """Write the maximum."""
        self.function("greatest")(y.size, xs[0], xs[1], y, self.winner)
        for index, x in enumerate(xs[2:], 2):
            self.function("challenge")(y.size, x, y, self.winner, index)

    def backward(self, top: Blob, bottom: Sequence[Blob], dxs: Arrays) -> None:
        """Write the top's diff where a bottom won, 0 elsewhere."""
        for index, dx in enumerate(dxs):
            if dx is not None:
                self.function("won")(dx.size, top.read_diff(), dx, self.winner, index)


OPERATIONS = {cpu.Sum: Sum, cpu.Product: Product, cpu.Quotient: Quotient, cpu.Maximum: Maximum}
