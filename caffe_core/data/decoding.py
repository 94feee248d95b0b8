"""DecodingThreads: several images decoded at a time."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class DecodingThreads:
    """Calls a function for many things in several threads, which start when first needed.

    There are as many as ``CAFFE_THREADS`` says, or one for each core.
    """

    def map(self, do: Callable[[Any], Any], things: Iterable[Any]) -> list[Any]:
        """Return what `do` makes of each thing, in order; raise the first error there is."""
        return list(self._pool.map(do, things))

    def close(self) -> None:
        """End the threads."""
        if "_pool" in self.__dict__:
            self._pool.shutdown()
            del self._pool

    @functools.cached_property
    def _pool(self) -> ThreadPoolExecutor:
        threads = int(os.environ.get("CAFFE_THREADS") or os.cpu_count() or 1)
        return ThreadPoolExecutor(threads, "caffe-decode")
