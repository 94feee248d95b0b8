"""The figures as a table, and beside their targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.pairs import Row
from benchmarks.suite import LOADING_AT_MOST, TARGETS, Target
from benchmarks.turns import Comparison

_COLUMNS = {
    "task": 30,
    "peer": 19,
    "ours ms": 9,
    "peer ms": 9,
    "ratio": 7,
    "quarters": 12,
    "MB": 6,
    "peer MB": 8,
    "apart": 6,
}
_WIDTHS = tuple(_COLUMNS.values())


def heading() -> str:
    """Return the first line of the table."""
    return f"{_aligned(*_COLUMNS)}  engines"


def line(row: Row) -> str:
    """Return the line of a row."""
    found, left = row.comparison, (str(row.task), row.peer or "(alone)")
    if found is None:
        return f"{_aligned(*left)} {row.word}"
    ours, theirs = f"{found.ours * 1e3:.3f}", f"{found.theirs * 1e3:.3f}"
    our_peak, their_peak = (f"{each:.0f}" for each in row.peak)
    ratio, quarters = f"{found.ratio:.3f}", f"{found.low:.3f}-{found.high:.3f}"
    apart = "" if row.difference is None else f"{row.difference:.0e}"
    noisy = "" if 2 * found.clean >= found.rounds else "  disturbed"
    cells = (
        (*left, ours, theirs, ratio, quarters, our_peak, their_peak, apart)
        if row.peer
        else (*left, ours, "", "", "", our_peak)
    )
    return f"{_aligned(*cells)}  {row.described[0]}{noisy}"


def targets(rows: Sequence[Row], loading: Comparison | None) -> list[str]:
    """Return a line for each target that something was measured for."""
    lines = [_verdict(target, rows) for target in TARGETS]
    if loading is not None:
        lines.append(_judged("loading 244 MB", "protobuf", loading.ratio, LOADING_AT_MOST))
    return [each for each in lines if each]


def named(values: Iterable[tuple[str, float]], form: str) -> list[str]:
    """Return a line for each named value."""
    return [f"  {name:<24} {form.format(value)}" for name, value in values]


def _verdict(target: Target, rows: Sequence[Row]) -> str:
    """The peer that is fastest counts: the one against whom our ratio is worst."""
    found = [
        row
        for row in rows
        if row.task == target.task and row.peer in target.peers and row.comparison
    ]
    if not found:
        return ""
    worst = max(found, key=lambda row: row.comparison.ratio)
    return _judged(str(target.task), worst.peer, worst.comparison.ratio, target.at_most)


def _judged(task: str, peer: str, ratio: float, at_most: float) -> str:
    verdict = "reached" if ratio <= at_most else "missed"
    return f"{_aligned(task, peer)} {ratio:>7.3f}  at most {at_most:.2f}  {verdict}"


def _aligned(*cells: str) -> str:
    """Cells in their columns, the first two from the left."""
    padded = [
        f"{cell:<{width}}" if place < 2 else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=False))
    ]
    return " ".join(padded)
