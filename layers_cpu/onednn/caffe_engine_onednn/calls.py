"""Calls: what a forward pass does, less what would change nothing since the last one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from caffe_core.alarm import Alarm
from caffe_core.tensor import Tensor
from caffe_engine_onednn.fresh import Fresh

Run = Callable[[], Any]


class Calls:
    """The calls of a kernel's forward pass.

    Primitives go by addresses, so each tensor has to be told first what will happen to it, and
    packed copies of learned blobs have to be fresh. As long as an alarm says that nothing has
    changed since the last pass, that would have no effect and is left out. It costs more than it
    seems: primitives leave the processor's caches full of other things.

    Args:
        telling: What tells the tensors.
        work: What computes, and keeps packed copies fresh.
        tensors: All that are told.
        relying: Whether to rely on the alarm. Where learned blobs change with every pass, setting
            it is lost labour.
    """

    def __init__(
        self, telling: Sequence[Run], work: Sequence[Run], tensors: Sequence[Tensor], relying: bool
    ):
        self._all = [*telling, *work]
        self._computing = [run for run in work if not isinstance(run, Fresh)]
        self._fresh = [run for run in work if isinstance(run, Fresh)]
        self._tensors, self._relying = tensors, relying
        self._unchanged = Alarm()

    def __call__(self) -> None:
        """Make the calls that are needed."""
        if self._unchanged.quiet:
            for run in self._computing:
                run()
            return
        for run in self._all:
            run()
        if self._relying and not any(each.is_exposed for each in self._fresh):
            self._set_alarm()

    def _set_alarm(self) -> None:
        for tensor in self._tensors:
            tensor.ring_if_moved(self._unchanged)
        for each in self._fresh:
            each.ring_if_stale(self._unchanged)
        self._unchanged.quiet = True
