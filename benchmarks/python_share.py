"""Which part of a training iteration is Python's own, and which is computation."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from benchmarks.contenders.ours import SEED, build
from benchmarks.task import Task

AT_MOST = {"lenet": 0.25, "caffenet": 0.05}
_BATCH = {"lenet": 64, "caffenet": 16}


def measure(rounds: int) -> dict[str, float]:
    """Return, for each net, the part of an iteration outside primitives and update.

    What the kernels of NumPy do counts as Python's, so the figure is an upper bound.
    """
    return {net: _share(Task(net, training=True, batch=_BATCH[net]), rounds) for net in AT_MOST}


def _share(task: Task, rounds: int) -> float:
    _, run = build(task, {"seed": SEED})
    for _ in range(3):
        run()
    shares = []
    for _ in range(max(rounds, 5)):
        with _clocked() as spent:
            start = perf_counter()
            run()
            took = perf_counter() - start
        shares.append(1 - spent[0] / took)
    return statistics.median(shares)


@contextmanager
def _clocked() -> Iterator[list[float]]:
    """Add up the seconds in primitives and in updates."""
    from caffe_engine_onednn.primitive import Primitive

    from caffe_core.update import Update

    spent = [0.0]
    methods = ((Primitive, "__call__"), (Update, "apply"))
    plain = [getattr(owner, name) for owner, name in methods]
    for (owner, name), method in zip(methods, plain, strict=True):
        setattr(owner, name, _timed(method, spent))
    try:
        yield spent
    finally:
        for (owner, name), method in zip(methods, plain, strict=True):
            setattr(owner, name, method)


def _timed(method: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        start = perf_counter()
        try:
            return method(*arguments)
        finally:
            spent[0] += perf_counter() - start

    return timed
