"""Calls: what a forward pass does, and what is left of it if nothing has changed since the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from caffe_core.alarm import Alarm
from caffe_core.blob import Blob
from caffe_engine_onednn.fresh import Fresh
from caffe_engine_onednn.primitive import Primitive

Run = Callable[[], Any]


class Calls:
    """The calls of a kernel's forward pass.

    Primitives go by addresses and tell nobody, so before them each tensor is told what will happen
    to it.

    Args:
        read: The blobs whose data is read.
        written: Those whose data is written.
        work: What computes, and what keeps packed copies of learned blobs fresh.
    """

    def __init__(self, read: Sequence[Blob], written: Sequence[Blob], work: Sequence[Run]):
        self._read = [(blob.data_tensor, blob.device) for blob in read]
        self._written = [(blob.data_tensor, blob.device) for blob in written]
        self._all = [
            *(partial(tensor.read, device) for tensor, device in self._read),
            *(partial(tensor.overwrite, device) for tensor, device in self._written),
            *work,
        ]
        self._computing = [_bare(run) for run in work if not isinstance(run, Fresh)]
        self._fresh = [run for run in work if isinstance(run, Fresh)]

    def __call__(self) -> None:
        """Make them all."""
        for run in self._all:
            run()

    def settle(self, alarm: Alarm) -> Sequence[Run] | None:
        """Return those that compute, if all else would change nothing until `alarm` rings."""
        if not self._would_change_nothing():
            return None
        for tensor, _ in (*self._read, *self._written):
            tensor.ring_if_moved(alarm)
        for each in self._fresh:
            each.ring_if_stale(alarm)
        return self._computing

    def _would_change_nothing(self) -> bool:
        return (
            all(tensor.is_current(device) for tensor, device in self._read)
            and all(tensor.is_only_on(device) for tensor, device in self._written)
            and not any(each.is_exposed for each in self._fresh)
        )


def _bare(run: Run) -> Run:
    return run.bare if isinstance(run, Primitive) else run
