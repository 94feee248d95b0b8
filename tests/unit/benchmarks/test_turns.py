"""Turns: who is when, what counts, and what comes of it."""

from __future__ import annotations

import pytest

from benchmarks import turns
from benchmarks.turns import Comparison, summary, take_turns


class Side:
    """Takes a set time; is held up in the first turns."""

    def __init__(self, name, seconds, calls, held_up=0):
        self.name, self.seconds, self.calls, self.held_up = name, seconds, calls, held_up

    def turn(self, seconds):
        self.calls.append(self.name)
        self.held_up -= 1
        return self.seconds, 0.5 if self.held_up >= 0 else 0.0


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(turns, "PAUSE", 0)


def test_who_is_first_changes():
    calls = []
    found = take_turns(Side("us", 1.0, calls), Side("them", 4.0, calls), rounds=3, seconds=0)
    assert calls == ["us", "them", "them", "us", "us", "them"]
    assert found == Comparison(1.0, 4.0, 0.25, 0.25, 0.25, rounds=3, clean=3)


def test_disturbed_rounds_are_made_up_for():
    found = take_turns(Side("us", 1.0, [], held_up=2), Side("them", 2.0, []), rounds=4, seconds=0)
    assert (found.rounds, found.clean) == (6, 4)


def test_it_ends_though_all_is_disturbed():
    found = take_turns(Side("us", 1.0, [], held_up=99), Side("them", 2.0, []), 4, seconds=0)
    assert (found.rounds, found.clean) == (8, 0)
    assert found.ratio == 0.5


def test_the_ratio_is_the_median_of_ratios_of_clean_rounds():
    clean = [(1.0, 2.0, True), (3.0, 4.0, True), (9.0, 10.0, True)]
    found = summary([*clean, (50.0, 1.0, False)])
    assert (found.ours, found.theirs, found.ratio) == (3.0, 4.0, 0.75)
    assert 0.5 < found.low < 0.75 < found.high < 0.9
    assert (found.rounds, found.clean) == (4, 3)


def test_clean_rounds_do_not_count_alone_if_they_are_few():
    found = summary([(1.0, 1.0, True), (2.0, 1.0, False), (3.0, 1.0, False)])
    assert found.ratio == 2.0
