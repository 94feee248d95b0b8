"""PrefetchingLayer: what layers have in common whose batches are made ahead by a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.data.prefetch import Build, Prefetcher
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, between, exactly

Slot = list[np.ndarray]
Opener = Callable[[], AbstractContextManager[Build[Slot]]]


class Staging:
    """Where batches wait until the net takes them: in the host's memory."""

    def slots(self, top: Sequence[Blob], count: int) -> list[Slot]:
        """Return memory for so many batches: an array for each top, in its memory order."""
        return [[np.empty_like(blob.data) for blob in top] for _ in range(count)]

    def opener(self, opener: Opener) -> Opener:
        """Return what the thread opens instead of `opener`."""
        return opener


class PrefetchingLayer(Layer):
    """A layer that has no bottom and reads its tops from somewhere, a batch at a time.

    Subclasses set `shapes` and `ahead` in `setup` and override `opener`.

    Attributes:
        shapes: The shape of each top; renewed by each batch if ``facts.dynamic``.
        ahead: How many batches are made ahead.
        staging: Where they wait.
        cursor: Batches handed to the net so far, not counting those that only wait.
        seed: Seed of what is random in a batch.
    """

    bottoms = exactly(0)
    tops = between(1, 2)
    facts = Facts(backward_reads=frozenset(), host_only=True)

    shapes: Sequence[Sequence[int]]
    ahead: int = 4
    staging = Staging()

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.cursor = 0
        self.seed = int(self.rng.integers(1 << 63))
        self._prefetcher: Prefetcher[Slot] | None = None

    def opener(self) -> Opener:
        """Return what opens the data in the thread and gives a function ``build(number, slot)``.

        It must not refer to the layer, or a dropped net would never end its threads.
        """
        raise NotImplementedError(f"{type(self).__name__} has no opener")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops the shapes found in `setup`."""
        for blob, shape in zip(top, self.shapes, strict=False):
            blob.reshape(shape)

    @contextmanager
    def batch(self, top: Sequence[Blob]) -> Iterator[Slot]:
        """Hold the next batch: an array for each top, in the memory order of that top's data.

        Raises:
            CaffeError: The batch cannot be made.
        """
        if self._prefetcher is None:
            slots = self.staging.slots(top, max(1, self.ahead))
            self._prefetcher = Prefetcher(self.staging.opener(self.opener()), slots)
            self._prefetcher.seek(self.cursor)
        prefetcher = self._prefetcher
        slot = prefetcher.take()
        self.cursor += 1
        try:
            yield slot
        finally:
            prefetcher.give_back(slot)

    def skip(self, batches: int) -> None:
        """Go on as if this many batches had been handed to the net since it was built."""
        self.close()
        self.cursor = batches

    def state(self) -> dict[str, Any]:
        """Return the cursor and the seed: together they fix every batch to come."""
        return {"cursor": self.cursor, "seed": self.seed}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.seed = int(state.get("seed", self.seed))
        self.skip(int(state.get("cursor", self.cursor)))

    def close(self) -> None:
        """End the thread and close what it reads."""
        if self._prefetcher is not None:
            self._prefetcher.close()
            self._prefetcher = None


class PrefetchingKernel(Kernel):
    """Copies the next batch into the tops."""

    formats = ANY_FORMAT
    layer: PrefetchingLayer

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the tops."""
        with self.layer.batch(top) as slot:
            if self.layer.facts.dynamic:
                self.layer.shapes = [ready.shape for ready in slot]
                self.layer.reshape(bottom, top)
            for above, ready in zip(top, slot, strict=True):
                above.overwrite()[...] = ready
