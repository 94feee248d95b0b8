"""Worker: one contender with one task in a process of its own, working when it is told to.

Reads commands from standard input, a JSON object a line, and answers each with a line. The first
names contender and task. What libraries print goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import memory
from benchmarks.contenders import CONTENDERS, Runner, Unavailable
from benchmarks.delay import waited
from benchmarks.task import Task

_AHEAD = 16
"""Iterations that may be asked of a GPU before any is done."""


def main() -> None:
    """Answer until the input ends."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    commands = map(json.loads, sys.stdin)
    try:
        runner = _prepare(**next(commands))
    except Unavailable as reason:
        print(json.dumps({"unavailable": " ".join(str(reason).split())}), file=out)
        return
    print(json.dumps({}), file=out)
    for answer in _answers(runner, commands):
        print(json.dumps(answer), file=out)


def _prepare(*, contender: str, task: dict[str, Any], weights: str, threads: int) -> Runner:
    return CONTENDERS[contender].prepare(Task(**task), Path(weights), threads)


def _answers(runner: Runner, commands: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Do what each command says."""
    for command in commands:
        match command["do"]:
            case "run":
                for _ in range(command["times"]):
                    runner.run()
                runner.wait()
                yield {}
            case "turn":
                yield turn(runner, command["seconds"])
            case "describe":
                yield {"words": runner.described()}
            case "results":
                np.savez(command["path"], **runner.results())
                yield {}
            case "forget peak":
                memory.forget_peak()
                yield {}
            case "peak":
                yield {"megabytes": memory.peak()}


def turn(runner: Runner, seconds: float) -> dict[str, float]:
    """Run for so long at least, once at least; return the mean time and what disturbed it.

    One run before does not count: it brings the caches and threads back that others had meanwhile.
    """
    runner.run()
    runner.wait()
    waited_before, start, count = waited(), perf_counter(), 0
    while not count or perf_counter() - start < seconds:
        runner.run()
        count += 1
        if not count % _AHEAD:
            runner.wait()
    runner.wait()
    took = perf_counter() - start
    return {"seconds": took / count, "disturbed": (waited() - waited_before) / took}


if __name__ == "__main__":
    main()
