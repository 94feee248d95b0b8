"""Threads: one number for everything that computes on a CPU, and settings for its libraries."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_WIDE_VECTORS = frozenset({"avx512f", "avx512dq", "avx512bw", "avx512vl"})


@functools.cache
def thread_count() -> int:
    """Return how many threads to compute with: ``CAFFE_THREADS``, or the cores there are."""
    wanted = os.environ.get("CAFFE_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def tune_blas() -> None:
    """Set, for libraries loaded from now on, what makes OpenBLAS and engines fast side by side.

    OpenBLAS takes slow kernels on CPUs with AVX-512 that it does not know, and its threads spin for
    a tenth of a second after each call, which slows down whoever computes next. GNU OpenMP, which
    oneDNN uses, spins for milliseconds, even where another process has the core that a thread
    waits for: training is then several times slower than with one thread. Variables that are set
    already are left alone.
    """
    settings = {"OPENBLAS_THREAD_TIMEOUT": "12", "GOMP_SPINCOUNT": "1000"}
    if _cpu_flags() >= _WIDE_VECTORS:
        settings["OPENBLAS_CORETYPE"] = "SkylakeX"
    if "CAFFE_THREADS" in os.environ:
        threads = str(thread_count())
        settings |= {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    for name, value in settings.items():
        os.environ.setdefault(name, value)


def run_all(calls: Sequence[Callable[[], None]]) -> None:
    """Run calls that may run at the same time, and wait for all of them."""
    if len(calls) < 2 or thread_count() == 1:
        for call in calls:
            call()
        return
    for future in [_pool().submit(call) for call in calls]:
        future.result()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_count(), thread_name_prefix="caffe")


def _cpu_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return set()
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return set(line.partition(":")[2].split())


if hasattr(os, "register_at_fork"):  # threads do not survive a fork
    os.register_at_fork(after_in_child=_pool.cache_clear)
