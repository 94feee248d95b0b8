"""Turns: two contenders work in turn, so that whatever else the machine does hits both."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from time import sleep
from typing import Protocol

CLEAN = 0.02
"""A turn is clean if its threads waited for a processor for less than this share of its time."""

PAUSE = 0.15
"""Seconds between turns. The threads of the last one have stopped spinning by then."""


class Side(Protocol):
    """Who takes turns."""

    def turn(self, seconds: float) -> tuple[float, float]:
        """Run for so long; return the seconds a run took, and what share it was held up."""


@dataclass(frozen=True)
class Comparison:
    """What the turns say.

    Attributes:
        ours: Median of our seconds a run.
        theirs: Median of theirs.
        ratio: Median of the ratios of ours to theirs, round by round.
        low: The quarter of the ratios that are lowest end here.
        high: The quarter of the ratios that are highest begin here.
        rounds: How many rounds there were.
        clean: How many of them nobody disturbed. If they are half or more, others do not count.
    """

    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    rounds: int
    clean: int


def take_turns(ours: Side, theirs: Side, rounds: int, seconds: float) -> Comparison:
    """Let two sides take turns of at least so many seconds.

    Who is first changes from round to round. As long as fewer rounds than wanted are clean, there
    are more, up to twice as many.
    """
    found: list[tuple[float, float, bool]] = []
    while len(found) < 2 * rounds and sum(clean for *_, clean in found) < rounds:
        found.append(_round(ours, theirs, seconds, swapped=len(found) % 2 == 1))
    return summary(found)


def summary(found: list[tuple[float, float, bool]]) -> Comparison:
    """Return the medians of rounds, each our seconds, theirs and whether both were clean."""
    clean = [each for each in found if each[2]]
    counted = clean if 2 * len(clean) >= len(found) else found
    ratios = [ours / theirs for ours, theirs, _ in counted]
    low, _, high = (
        statistics.quantiles(ratios, n=4, method="inclusive") if ratios[1:] else 3 * ratios
    )
    return Comparison(
        statistics.median(ours for ours, _, _ in counted),
        statistics.median(theirs for _, theirs, _ in counted),
        statistics.median(ratios),
        low,
        high,
        len(found),
        len(clean),
    )


def _round(ours: Side, theirs: Side, seconds: float, swapped: bool) -> tuple[float, float, bool]:
    took, held_up = {}, {}
    for side in (theirs, ours) if swapped else (ours, theirs):
        sleep(PAUSE)
        took[side], held_up[side] = side.turn(seconds)
    return took[ours], took[theirs], max(held_up.values()) < CLEAN
