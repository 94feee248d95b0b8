"""Comparing what we compute with a golden case."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_core.testing.compare import absolute_error, magnitude

_OF_MAXIMUM = 1e-4
_OF_NORM = 1e-3
_ROUNDING = 1e-6


class Comparison:
    """Collects what differs from a case.

    Attributes:
        levels: How far the values of data tops may be off, for images that were resized.
        problems: What differs, one line each.
    """

    def __init__(self, levels: float = 0.0):
        self.levels = levels
        self.problems: list[str] = []

    def arrays(self, kind: str, found: dict[str, Any], expected: dict[str, Any]) -> None:
        """Compare arrays of one kind, such as every ``paramdiff``."""
        rounding = _ROUNDING * max(map(magnitude, expected.values()), default=0.0)
        for name, array in expected.items():
            if name not in found:
                self.problems.append(f"{kind}:{name} is missing")
            else:
                self._array(f"{kind}:{name}", found[name], array, rounding)

    def array(self, name: str, found: Any, expected: Any) -> None:
        """Compare one array, or one number."""
        self._array(name, found, expected, _ROUNDING * magnitude(expected))

    def equal(self, name: str, found: Any, expected: Any) -> None:
        """Compare what must be the same: names, counts."""
        if found != expected:
            self.problems.append(f"{name}: found {found}, expected {expected}")

    def within(self, name: str, found: float, expected: float, tolerance: float) -> None:
        """Compare a number with an explicit tolerance."""
        if not abs(found - expected) <= tolerance:
            self.problems.append(
                f"{name}: found {found:.6g}, expected {expected:.6g} within {tolerance:.3g}"
            )

    def _array(self, name: str, found: Any, expected: Any, rounding: float) -> None:
        found, expected = np.asarray(found), np.asarray(expected)
        if found.shape != expected.shape:
            self.problems.append(f"{name}: found shape {found.shape}, expected {expected.shape}")
            return
        error, reference = absolute_error(found, expected), magnitude(expected)
        worst = float(error.max(initial=0.0))
        if worst <= max(_OF_MAXIMUM * reference, rounding, self.levels):
            return
        norm = float(np.linalg.norm(expected.astype(np.float64)))
        relative = float(np.linalg.norm(error)) / norm if norm else np.inf
        if relative <= _OF_NORM:
            return
        where = tuple(
            map(
                int, np.unravel_index(int(np.argmax(np.nan_to_num(error, nan=np.inf))), error.shape)
            )
        )
        self.problems.append(
            f"{name}: max error {worst:.3g} at {where} (reference maximum {reference:.3g}), "
            f"L2 error {relative:.3g} of the reference"
        )
