"""Prefetcher: a thread that makes numbered batches before they are asked for."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

Slot = TypeVar("Slot")
Build = Callable[[int, Slot], None]


class Prefetcher(Generic[Slot]):
    """Hands out slots filled with batch 0, 1, 2, ... and refills them behind the caller's back.

    The thread starts at the first `take`, and again after a fork; it ends with `close` or when the
    prefetcher is dropped.

    Attributes:
        next: Number of the batch that `take` returns next.

    Args:
        opener: Called in the thread; gives a context with a function ``build(number, slot)`` that
            writes a batch into a slot. It must not refer to the prefetcher.
        slots: What batches are written into; as many are made ahead.
    """

    def __init__(
        self, opener: Callable[[], AbstractContextManager[Build[Slot]]], slots: Sequence[Slot]
    ):
        self.next = 0
        self._opener, self._slots = opener, slots
        self._worker: _Worker | None = None

    def take(self) -> Slot:
        """Return the next batch's slot, waiting if it is not ready; `give_back` it when done.

        Raises:
            Exception: Whatever went wrong while the batch was made, with the thread's traceback.
                The next call tries that batch again.
        """
        if self._worker is None or self._worker.process != os.getpid():
            self._start()
        assert self._worker is not None
        result = self._worker.full.get()
        if isinstance(result, _Failure):
            self.close()
            raise result.error
        self.next += 1
        return result  # type: ignore[no-any-return]

    def give_back(self, slot: Slot) -> None:
        """Let a slot be filled again."""
        if self._worker is not None:
            self._worker.empty.put(slot)

    def seek(self, number: int) -> None:
        """Go on with batch `number`."""
        self.close()
        self.next = number

    def close(self) -> None:
        """End the thread and what it has open. A later `take` starts another."""
        if self._worker is not None:
            self._stop()
            self._worker = None

    def _start(self) -> None:
        self._worker = worker = _Worker()
        for slot in self._slots:
            worker.empty.put(slot)
        worker.thread = threading.Thread(
            target=_work, args=(worker, self._opener, self.next), name="caffe-prefetch", daemon=True
        )
        self._stop = weakref.finalize(self, worker.stop)
        worker.thread.start()


@dataclass
class _Failure:
    """What the thread sends in place of a batch that it could not make."""

    error: BaseException


@dataclass
class _Worker:
    """A thread and the queues on its two sides. None in `empty` asks it to end."""

    empty: SimpleQueue[Any] = field(default_factory=SimpleQueue)
    full: SimpleQueue[Any] = field(default_factory=SimpleQueue)
    process: int = field(default_factory=os.getpid)
    stopping: bool = False
    thread: threading.Thread | None = None

    def stop(self) -> None:
        self.stopping = True
        self.empty.put(None)
        thread = self.thread
        if self.process == os.getpid() and thread not in (None, threading.current_thread()):
            thread.join()


def _work(
    worker: _Worker, opener: Callable[[], AbstractContextManager[Build[Any]]], number: int
) -> None:
    try:
        with opener() as build:
            while (slot := worker.empty.get()) is not None and not worker.stopping:
                build(number, slot)
                worker.full.put(slot)
                number += 1
    except BaseException as error:
        worker.full.put(_Failure(error))
