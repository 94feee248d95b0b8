"""What a kernel leaves of its forward when nothing has changed."""

from __future__ import annotations

import copy
from collections.abc import Callable

from caffe_core.alarm import Alarm
from caffe_core.testing.bench import Bench
from caffe_core.testing.checks.make import Check, ContractError, Make, tops


def settled_forward_is_forward(make: Make) -> None:
    """What `Kernel.settle` leaves of forward gives the same, until its alarm rings.

    Bottoms and learned blobs are changed in between. Either the alarm rings, or it does not matter.
    """
    for what, change in _CHANGES.items():
        bench, other = make(need_backward=False), make(need_backward=False)
        if bench.is_random or bench.layer.facts.dynamic:
            return
        for _ in range(2):
            bench.forward()
        alarm = Alarm()
        calls = _settled(bench, alarm)
        if calls is None:
            return
        change(bench)
        if not alarm.quiet:
            continue
        _take_over(other, bench)
        expected = other.advance()
        _run(bench, calls)
        found = [top.data.copy() for top in bench.top]
        make.expect_all(f"settled, then {what}", tops(found), tops(expected))


def _settled(bench: Bench, alarm: Alarm) -> list[Callable[[], int | None]] | None:
    with bench.device.active():
        calls = bench.kernel.settle(alarm)
    return None if calls is None else list(calls)


def _run(bench: Bench, calls: list[Callable[[], int | None]]) -> None:
    with bench.device.active():
        for index, call in enumerate(calls):
            if call():
                raise ContractError(f"settled: call {index} of {len(calls)} says that it failed")


def _take_over(bench: Bench, other: Bench) -> None:
    """Give a bench what another one's forward would start from."""
    for mine, its in zip(bench.bottom, other.bottom, strict=True):
        mine.data[...] = its.read()
    for mine, its in zip(bench.layer.blobs, other.layer.blobs, strict=True):
        mine.data[...] = its.read()
    bench.layer.restore(copy.deepcopy(other.layer.state()))


def _change_nothing(bench: Bench) -> None:
    """Leave everything as it is."""


def _change_bottoms(bench: Bench) -> None:
    bench.disturb(bench.bottom, keep=())


def _change_learned(bench: Bench) -> None:
    bench.disturb(bench.layer.blobs, keep=())


_CHANGES = {
    "run again": _change_nothing,
    "run on other bottoms": _change_bottoms,
    "run with other learned blobs": _change_learned,
}

SETTLED_CHECKS: tuple[Check, ...] = (settled_forward_is_forward,)
