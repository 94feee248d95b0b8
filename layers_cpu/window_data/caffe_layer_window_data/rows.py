"""The lines of a window file, and the numbers in those that are windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

ROW = "CLASS OVERLAP X1 Y1 X2 Y2"
OVERLAP = 1  # the column that need not hold whole numbers
_COLUMNS = len(ROW.split())

Line = tuple[int, str]


def numbered(file: Iterable[str]) -> Iterator[Line]:
    """Yield the lines that are not empty, with their numbers, from 1."""
    for number, line in enumerate(file, 1):
        text = line.strip()
        if text:
            yield number, text


def table_of(rows: Sequence[Line]) -> np.ndarray | None:
    """Return the numbers in windows, a row for each; None if one of them cannot be used."""
    if not rows:
        return np.zeros((0, _COLUMNS))
    try:
        table = np.loadtxt([text for _, text in rows], ndmin=2, comments=None)
    except ValueError:
        return None
    usable = table.shape == (len(rows), _COLUMNS) and _whole(table)
    return table if usable else None


def first_unusable(rows: Sequence[Line]) -> Line:
    """Return the first window that alone cannot be used."""
    return next(row for row in rows if table_of([row]) is None)


def _whole(table: np.ndarray) -> bool:
    """Whether all that ought to be whole numbers are."""
    with np.errstate(invalid="ignore"):
        rest: np.ndarray = np.delete(table, OVERLAP, axis=1) % 1
    return not rest.any()
