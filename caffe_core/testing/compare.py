"""Comparing arrays, and saying how they differ."""

from __future__ import annotations

from typing import Any

import numpy as np

_LEAST_SCALE = 1e-3  # below it rounding is measured against this, not against the array's maximum


def difference(found: Any, expected: Any, tolerance: float) -> str | None:
    """Describe how `found` differs from `expected`; None if it does not.

    An element differs if it is off by more than `tolerance` times the largest magnitude in
    `expected`. NaN equals NaN, and an infinity equals itself.
    """
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return f"has shape {found.shape}, expected {expected.shape}"
    error = absolute_error(found, expected)
    allowed = tolerance * max(magnitude(expected), _LEAST_SCALE)
    wrong = ~(error <= allowed)
    count = int(np.count_nonzero(wrong))
    if count == 0:
        return None
    worst = np.unravel_index(int(np.argmax(np.where(np.isnan(error), np.inf, error))), error.shape)
    where = f" at {tuple(map(int, worst))}" if worst else ""
    return (
        f"differs in {count} of {error.size} elements, most{where}: "
        f"found {found[worst]:.9g}, expected {expected[worst]:.9g}"
    )


def absolute_error(found: Any, expected: Any) -> Any:
    """Return ``|found - expected|`` in float64: 0 where both are NaN or the same infinity."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(same, 0.0, np.abs(found - expected))


def magnitude(array: Any) -> float:
    """Return the largest finite ``|x|`` of an array; 0 if there is none."""
    finite = np.abs(np.asarray(array, np.float64))
    finite = finite[np.isfinite(finite)]
    return float(finite.max()) if finite.size else 0.0
