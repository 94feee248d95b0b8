"""What a steady iteration must not do."""

from __future__ import annotations

import tracemalloc

from caffe_core.device import CPU
from caffe_core.errors import CaffeError
from caffe_core.testing.bench import SEED, Bench
from caffe_core.testing.checks.make import Check, ContractError, Make
from caffe_core.testing.setting import FLOAT32

_LARGE = 1 << 19  # bytes of the largest bottom or top, so that temporaries stand out
_SHARE = 0.5  # of the largest, that temporaries may take


def steady_iteration_allocates_nothing_large(make: Make) -> None:
    """Once warm, forward and backward allocate no array like a bottom or top.

    The case is made larger along its first axis for this; a layer that does not take that is passed
    over. Memory of a device is not counted.
    """
    setting = make.setting
    bench = make()
    if bench.layer.facts.host_only or setting.dtype != FLOAT32 or setting.device is not CPU:
        return
    if not _grow(bench):
        return
    _iterate(bench)
    _iterate(bench)
    largest = max(blob.count for blob in (*bench.bottom, *bench.top)) * FLOAT32.itemsize
    allocated = _peak(bench)
    if allocated > _SHARE * largest:
        raise ContractError(
            f"a steady iteration allocates {allocated} bytes where the largest bottom or top has "
            f"{largest}; use out=, self.workspace, or arrays made in prepare"
        )


def _grow(bench: Bench) -> bool:
    shapes = [blob.shape for blob in bench.bottom]
    largest = max((blob.count for blob in bench.bottom), default=0) * FLOAT32.itemsize
    if not largest or any(not shape for shape in shapes):
        return False
    factor = -(-_LARGE // largest)
    try:
        bench.redraw([(shape[0] * factor, *shape[1:]) for shape in shapes], seed=SEED)
        bench.forward()
    except CaffeError:
        return False
    bench.set_diffs(poison=0.0)
    return True


def _iterate(bench: Bench) -> None:
    bottom, top = bench.on_device(bench.bottom), bench.on_device(bench.top)
    with bench.device.active():
        bench.kernel.forward(bottom, top)
        bench.kernel.backward(top, bench.wanted, bottom)


def _peak(bench: Bench) -> int:
    """Bytes that one iteration holds at most, beside what is there before."""
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        _iterate(bench)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        if not was_tracing:
            tracemalloc.stop()
    return peak - before


STEADY_CHECKS: tuple[Check, ...] = (steady_iteration_allocates_nothing_large,)
