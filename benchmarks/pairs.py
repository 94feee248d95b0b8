"""Pairs: this Caffe and one peer after another with the same task, compared, then timed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.agreement import RUNS, difference, tolerance
from benchmarks.contenders import OURS, PEERS, Results, Unavailable
from benchmarks.process import Process
from benchmarks.task import Task
from benchmarks.turns import Comparison, take_turns


@dataclass(frozen=True)
class Row:
    """What a pair shows.

    Attributes:
        task: What both did.
        peer: Name of the peer; empty: there was none, and `comparison` is with ourselves.
        comparison: Times, if there are any.
        word: Why there are none.
        difference: How far results are apart.
        peak: The most memory each used while it was timed, in MB: ours, theirs.
        described: How each did it: ours, theirs.
    """

    task: Task
    peer: str
    comparison: Comparison | None = None
    word: str = ""
    difference: float | None = None
    peak: tuple[float, float] = (0.0, 0.0)
    described: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        rounds: Turns of each side.
        seconds: How long a turn takes at least.
        threads: Threads of each contender.
    """

    rounds: int = 10
    seconds: float = 0.3
    threads: int = 2


def measure(task: Task, peers: Sequence[str], effort: Effort) -> Iterator[Row]:
    """Yield a row for each peer that does such a task; one without a peer if none can."""
    able = [name for name in peers if PEERS[name].does(task)]
    with TemporaryDirectory() as folder, ExitStack() as running:
        stage = _Stage(task, Path(folder), effort, running)
        timed = False
        for name in able:
            row = _pair(stage, name)
            timed |= row.comparison is not None
            yield row
        if not timed:
            yield _alone(stage)


@dataclass(frozen=True)
class _Ready:
    """A process that has done a few runs, and what these brought forth."""

    process: Process
    results: Results


class _Stage:
    """A task, and those of us who have it ready, one for each precision."""

    def __init__(self, task: Task, folder: Path, effort: Effort, running: ExitStack):
        self.task, self.effort = task, effort
        self._folder, self._running = folder, running
        self._ours: dict[str, _Ready] = {}

    def ours(self, precision: str) -> _Ready:
        """Return our process, started the first time."""
        if precision not in self._ours:
            ready = self._running.enter_context(self.ready(OURS[precision]))
            self._ours[precision] = ready
        return self._ours[precision]

    @contextmanager
    def ready(self, contender: str) -> Iterator[_Ready]:
        """Start a process. Results that are random come from another one, that drops nothing."""
        with self._start(contender, self.task) as process:
            process.run(RUNS)
            if not self.task.drops():
                yield _Ready(process, process.results())
                return
            with self._start(contender, replace(self.task, dropout=False)) as other:
                other.run(RUNS)
                results = other.results()
            yield _Ready(process, results)

    def _start(self, contender: str, task: Task) -> Process:
        weights = self._folder / f"{'' if task.dropout else 'un'}dropped.caffemodel"
        return Process(contender, task, weights, self.effort.threads)


def _pair(stage: _Stage, name: str) -> Row:
    precision = PEERS[name].precision
    rounding = precision if stage.task.device == "cpu" else "tf32"
    try:
        ours = stage.ours(precision)
        with stage.ready(name) as theirs:
            apart = difference(ours.results, theirs.results, stage.task)
            row = Row(stage.task, name, difference=apart)
            if not apart <= tolerance(stage.task, rounding):
                return replace(row, word=f"not timed: results are {apart:.2g} apart")
            return _timed(row, ours.process, theirs.process, stage.effort)
    except Unavailable as reason:
        return Row(stage.task, name, word=str(reason))


def _timed(row: Row, ours: Process, theirs: Process, effort: Effort) -> Row:
    for side in (ours, theirs):
        side.forget_peak()
    comparison = take_turns(ours, theirs, effort.rounds, effort.seconds)
    return replace(
        row,
        comparison=comparison,
        peak=(ours.peak(), theirs.peak()),
        described=(ours.described(), theirs.described()),
    )


def _alone(stage: _Stage) -> Row:
    """Ourselves, for want of others."""
    try:
        ours = stage.ours("f32").process
    except Unavailable as reason:
        return Row(stage.task, "", word=str(reason))
    return _timed(Row(stage.task, ""), ours, ours, stage.effort)
