"""The figures as a table, and beside their targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.pairs import Row
from benchmarks.suite import LOADING_AT_MOST, TARGETS, Target
from benchmarks.turns import Comparison

HEADINGS = ("task", "peer", "ours ms", "peer ms", "ratio", "quarters", "MB ours/peer", "apart")
_WIDTHS = (30, 19, 9, 9, 7, 12, 13, 8)


def heading() -> str:
    """Return the first line of the table."""
    return _aligned(HEADINGS)


def line(row: Row) -> str:
    """Return the line of a row."""
    peer = row.peer or "(alone)"
    found = row.comparison
    if found is None:
        return f"{row.task!s:<{_WIDTHS[0]}} {peer:<{_WIDTHS[1]}} {row.word}"
    ours = f"{found.ours * 1e3:.3f}"
    memory = "" if row.peak is None else "/".join(f"{each:.0f}" for each in row.peak)
    if not row.peer:
        return _aligned((str(row.task), peer, ours, "", "", "", memory.partition("/")[0], ""))
    noisy = "" if 2 * found.clean >= found.rounds else " disturbed"
    return _aligned(
        (
            str(row.task),
            peer,
            ours,
            f"{found.theirs * 1e3:.3f}",
            f"{found.ratio:.3f}",
            f"{found.low:.3f}-{found.high:.3f}",
            memory,
            "" if row.difference is None else f"{row.difference:.0e}",
        )
    ) + (noisy)


def targets(rows: Sequence[Row], loading: Comparison | None) -> list[str]:
    """Return a line for each target that something was measured for."""
    lines = [_verdict(target, rows) for target in TARGETS]
    if loading is not None:
        name = f"{'loading 244 MB':<{_WIDTHS[0]}} {'protobuf':<{_WIDTHS[1]}}"
        lines.append(_judged(name, loading.ratio, LOADING_AT_MOST))
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
    name = f"{target.task!s:<{_WIDTHS[0]}} {worst.peer:<{_WIDTHS[1]}}"
    return _judged(name, worst.comparison.ratio, target.at_most)


def _judged(name: str, ratio: float, at_most: float) -> str:
    verdict = "reached" if ratio <= at_most else "missed"
    return f"{name} {ratio:>7.3f}  at most {at_most:.2f}  {verdict}"


def _aligned(cells: Sequence[str]) -> str:
    padded = [
        f"{cell:<{width}}" if place < 2 else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))
    ]
    return " ".join(padded).rstrip()
