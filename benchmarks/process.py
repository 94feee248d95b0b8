"""Process: a contender as whoever lets it work sees it. The other end is `benchmarks.worker`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders import Results, Unavailable
from benchmarks.task import Task

ROOT = Path(__file__).parents[1]
_WORDS = 160  # characters
_THREADS = ("CAFFE_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Process:
    """A contender that has its task ready.

    Each has a process of its own: there its threads have no others beside them, its settings hurt
    nobody, and its memory can be measured.

    Args:
        contender: Its name.
        task: What it is to do.
        weights: Where the weights are, or are to be.
        threads: How many threads it may use.

    Raises:
        Unavailable: It cannot do that here.
    """

    def __init__(self, contender: str, task: Task, weights: Path, threads: int):
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `close`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
            env={**os.environ, **dict.fromkeys(_THREADS, str(threads)), "CAFFE_TF32": "1"},
            text=True,
        )
        try:
            self._ask(contender=contender, task=asdict(task), weights=str(weights), threads=threads)
        except BaseException:
            self.close()
            raise

    def run(self, times: int) -> None:
        """Let it run, not measured."""
        self._ask(do="run", times=times)

    def turn(self, seconds: float) -> tuple[float, float]:
        """Let it run for so long; return the seconds a run took, and what share it was held up."""
        answer = self._ask(do="turn", seconds=seconds)
        return answer["seconds"], answer["disturbed"]

    def described(self) -> str:
        """Return how it does its task, in a few words."""
        return self._ask(do="describe")["words"]

    def results(self) -> Results:
        """Return what is to be compared."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "results.npz"
            self._ask(do="results", path=str(path))
            with np.load(path) as stored:
                return dict(stored)

    def forget_peak(self) -> None:
        """Let the peak of memory begin anew."""
        self._ask(do="forget peak")

    def peak(self) -> float:
        """Return the peak of memory, in MB."""
        return self._ask(do="peak")["megabytes"]

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _ask(self, **command: Any) -> dict[str, Any]:
        try:
            print(json.dumps(command), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Unavailable(f"failed: {self._last_words()[:_WORDS]}")
        answer = json.loads(line)
        if "unavailable" in answer:
            raise Unavailable(answer["unavailable"][:_WORDS])
        return answer

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "no message")
