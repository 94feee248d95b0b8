"""UploadingKernel: batches go to the GPU while it works on those before them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from caffe_core.blob import Blob
from caffe_core.data.layer import Opener, PrefetchingKernel, Slot, Staging
from caffe_core.data.prefetch import Build
from caffe_core.layer import Layer
from caffe_core.tensor import moves


class UploadingKernel(PrefetchingKernel):
    """Copies the next batch into the tops, within the GPU: the thread that made it has sent it."""

    device: Any

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse batches whose shapes are not known beforehand."""
        return "the shapes of its tops may change" if layer.facts.dynamic else None

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Let the batches that are yet to be made be sent."""
        if not isinstance(self.layer.staging, Uploads):
            self.layer.staging = Uploads(self.device)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the tops."""
        with self.layer.batch(top) as slot:
            assert isinstance(slot, Upload)
            slot.hand_over(top)


class Uploads(Staging):
    """Holds each batch twice: in pinned memory of the host, and on the GPU."""

    def __init__(self, device: Any):
        self._device = device

    def slots(self, top: Sequence[Blob], count: int) -> list[Slot]:
        """Return memory for so many batches."""
        return [Upload(self._device, top) for _ in range(count)]

    def opener(self, opener: Opener) -> Opener:
        """Return an opener whose ``build`` sends what it has built."""
        return _Sender(opener)


class Upload(list[np.ndarray]):
    """A batch on its way: the arrays are the host's.

    Args:
        device: Where it goes.
        top: The blobs for which it is.
    """

    def __init__(self, device: Any, top: Sequence[Blob]):
        pinned = [device.pinned((blob.count,), blob.dtype) for blob in top]
        super().__init__(blob.view(flat) for blob, flat in zip(top, pinned, strict=True))
        self._device, self._host = device, pinned
        self._arrays = [device.zeros(blob.count, blob.dtype) for blob in top]
        self._sent: Any = None
        self._taken = device.mark()  # until then the GPU may write zeros, or what was there before

    def wait(self) -> None:
        """Wait until the arrays may be written again, or dropped."""
        if self._sent is not None:
            self._sent.synchronize()

    def send(self) -> None:
        """Start the copy to the GPU, after the GPU has taken what was sent before."""
        self._sent = self._device.send(self._host, self._arrays, after=self._taken)

    def hand_over(self, top: Sequence[Blob]) -> None:
        """Let the GPU copy the batch into the tops once it has arrived."""
        self._device.wait_for(self._sent)
        for above, flat in zip(top, self._arrays, strict=True):
            above.overwrite()[...] = above.view(flat)
            moves.to_device += 1
        self._taken = self._device.mark()


class _Sender:
    """Opens what `opener` opens, and sends each batch that was built.

    It does not refer to the layer, so that a dropped net ends its threads.
    """

    def __init__(self, opener: Opener):
        self._opener = opener

    def __call__(self) -> AbstractContextManager[Build[Slot]]:
        return self._opened()

    @contextmanager
    def _opened(self) -> Iterator[Build[Slot]]:
        used: dict[int, Upload] = {}
        with self._opener() as build:

            def build_and_send(number: int, slot: Slot) -> None:
                assert isinstance(slot, Upload)
                used[id(slot)] = slot
                slot.wait()
                build(number, slot)
                slot.send()

            try:
                yield build_and_send
            finally:
                for slot in used.values():
                    slot.wait()
