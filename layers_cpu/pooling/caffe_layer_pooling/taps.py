"""Arithmetic over windows, one element of the kernel at a time."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from caffe_layer_pooling.windows import Windows

LOWEST = float(np.finfo(np.float32).min)


class Taps:
    """The elements of a kernel, the taps, each with the windows that have it and what they see.

    All arrays are ``(N, C, H, W)`` in any memory order: `x` of elements, all others of windows. A
    window's winner is one of its taps, by its number, or the number of taps if none has won.
    `flag`, `other`, `share` and `total` are scratch.

    Args:
        pairs: For each tap, an index of windows and one of the elements that they see there.
        disjoint: Whether no two windows see the same element.
    """

    def __init__(self, pairs: list[tuple[Any, Any]], disjoint: bool):
        self._pairs, self._disjoint = pairs, disjoint

    @classmethod
    def across(cls, wide: Windows) -> Taps:
        """Windows along W."""
        return cls(
            [((..., tap.windows), (..., tap.elements)) for tap in wide.taps()], wide.disjoint
        )

    @classmethod
    def down(cls, high: Windows) -> Taps:
        """Windows along H."""
        row = slice(None)
        pairs = [((..., tap.windows, row), (..., tap.elements, row)) for tap in high.taps()]
        return cls(pairs, high.disjoint)

    @classmethod
    def over(cls, high: Windows, wide: Windows) -> Taps:
        """Windows along H and W."""
        pairs = [
            ((..., one.windows, two.windows), (..., one.elements, two.elements))
            for one, two in itertools.product(high.taps(), wide.taps())
        ]
        return cls(pairs, high.disjoint and wide.disjoint)

    def sum(self, x: Any, y: Any) -> None:
        """Write the sum of each window to `y`."""
        y.fill(0)
        for windows, elements in self._pairs:
            y[windows] += x[elements]

    def spread(self, y: Any, x: Any) -> None:
        """Write to `x` the sum over all windows that see an element: the gradient of `sum`."""
        x.fill(0)
        for windows, elements in self._pairs:
            x[elements] += y[windows]

    def largest(self, x: Any, y: Any) -> None:
        """Write the maximum of each window to `y`, `LOWEST` at least. NaN is passed over."""
        y.fill(LOWEST)
        for windows, elements in self._pairs:
            part = y[windows]
            np.fmax(part, x[elements], out=part)

    def find(self, x: Any, y: Any, winner: Any, flag: Any, other: Any) -> None:
        """Let win, in each window, the first tap that sees the value `y`.

        Winners are found by counting the taps before them: that is done by fast elementwise
        operations, where writing under a mask is slow.
        """
        winner.fill(0)
        flag.fill(True)
        for windows, elements in self._pairs:
            np.not_equal(x[elements], y[windows], out=other[windows])
            flag[windows] &= other[windows]
            winner += flag.view(np.uint8)

    def draw(self, x: Any, threshold: Any, winner: Any, flag: Any, other: Any, total: Any) -> None:
        """Let win, in each window, the first tap at which the sum so far reaches `threshold`."""
        winner.fill(0)
        flag.fill(True)
        total.fill(0)
        for windows, elements in self._pairs:
            total[windows] += x[elements]
            flag &= np.less(total, threshold, out=other)
            winner += flag.view(np.uint8)

    def choose(self, x: Any, winner: Any, y: Any, flag: Any, share: Any) -> None:
        """Write to `y` what each window sees at its winner, or 0."""
        y.fill(0)
        for number, (windows, elements) in enumerate(self._pairs):
            won = np.equal(winner[windows], number, out=flag[windows])
            y[windows] += np.multiply(x[elements], won, out=share[windows])

    def route(self, y: Any, winner: Any, x: Any, flag: Any, share: Any) -> None:
        """Write to `x` the sum over the windows where an element wins: the gradient of `choose`."""
        x.fill(0)
        for number, (windows, elements) in enumerate(self._pairs):
            won = np.equal(winner[windows], number, out=flag[windows])
            if self._disjoint:
                np.multiply(y[windows], won, out=x[elements])
            else:
                x[elements] += np.multiply(y[windows], won, out=share[windows])
