"""What Eltwise does to its bottoms: each operation forward and backward, on arrays.

All have the same methods. ``forward(xs, y)`` writes y from the bottoms' data. ``backward(dy, y, xs,
dxs)`` writes each array of `dxs`, the bottoms' diffs; None stands where none is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Arrays = Sequence[Any]


class Sum:
    """y = sum of coeff[i] * x[i]."""

    reads = frozenset[str]()

    def __init__(self, kernel: Any):
        self.xp, self.workspace = kernel.xp, kernel.workspace
        self.coeff = kernel.layer.coeff

    def prepare(self, xs: Arrays) -> None:
        """Do nothing."""

    def forward(self, xs: Arrays, y: Any) -> None:
        """Write the sum."""
        self.xp.multiply(xs[0], self.coeff[0], out=y)
        for x, coeff in zip(xs[1:], self.coeff[1:], strict=True):
            y += x if coeff == 1 else self.xp.multiply(x, coeff, out=self.workspace.like(x))

    def backward(self, dy: Any, y: Any, xs: Arrays, dxs: Arrays) -> None:
        """Write the top's diff times the coefficients."""
        for dx, coeff in zip(dxs, self.coeff, strict=True):
            if dx is not None:
                self.xp.multiply(dy, coeff, out=dx)


class Product:
    """y = product of x[i]; the gradient multiplies all the others, so that zeros do no harm."""

    reads = frozenset({"bottom"})

    def __init__(self, kernel: Any):
        self.xp = kernel.xp

    def prepare(self, xs: Arrays) -> None:
        """Do nothing."""

    def forward(self, xs: Arrays, y: Any) -> None:
        """Write the product."""
        self.xp.multiply(xs[0], xs[1], out=y)
        for x in xs[2:]:
            y *= x

    def backward(self, dy: Any, y: Any, xs: Arrays, dxs: Arrays) -> None:
        """Write the top's diff times all other bottoms."""
        for index, dx in enumerate(dxs):
            if dx is not None:
                first, *rest = (*xs[:index], *xs[index + 1 :])
                self.xp.multiply(dy, first, out=dx)
                for x in rest:
                    dx *= x


class Quotient(Product):
    """Product whose gradient is y / x[i]: fewer operations, but NaN where x[i] is 0."""

    reads = frozenset({"bottom", "top"})

    def backward(self, dy: Any, y: Any, xs: Arrays, dxs: Arrays) -> None:
        """Write the top's diff times top over bottom."""
        with np.errstate(divide="ignore", invalid="ignore"):
            for x, dx in zip(xs, dxs, strict=True):
                if dx is not None:
                    self.xp.divide(y, x, out=dx)
                    dx *= dy


class Maximum:
    """y = maximum of x[i]. Remembers which bottom won each element."""

    reads = frozenset[str]()

    def __init__(self, kernel: Any):
        self.xp, self.workspace = kernel.xp, kernel.workspace

    def prepare(self, xs: Arrays) -> None:
        """Allocate room for the winners."""
        self.winner = self.xp.zeros_like(xs[0], dtype=np.min_scalar_type(len(xs)))

    def forward(self, xs: Arrays, y: Any) -> None:
        """Write the maximum."""
        self.xp.less_equal(xs[0], xs[1], out=self.winner)
        self.xp.maximum(xs[0], xs[1], out=y)
        for index, x in enumerate(xs[2:], 2):
            wins = self.xp.greater(x, y, out=self.workspace.like(y, bool))
            self.xp.copyto(self.winner, index, where=wins)
            self.xp.maximum(x, y, out=y)

    def backward(self, dy: Any, y: Any, xs: Arrays, dxs: Arrays) -> None:
        """Write the top's diff where a bottom won, 0 elsewhere."""
        for index, dx in enumerate(dxs):
            if dx is not None:
                won = self.xp.equal(self.winner, index, out=self.workspace.like(dx, bool))
                self.xp.multiply(dy, won, out=dx)
