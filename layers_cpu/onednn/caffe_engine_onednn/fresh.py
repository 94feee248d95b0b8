"""Fresh: work that depends on learned blobs, done again when they have changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from caffe_core.alarm import Alarm
from caffe_core.blob import Blob


class Fresh:
    """A call that does its work only if some learned blob may have changed since the last time."""

    def __init__(self, blobs: Sequence[Blob], work: Callable[[], object]):
        self._tensors = [blob.data_tensor for blob in blobs]
        self._work = work
        self._version = -1

    def __call__(self) -> None:
        """Do the work if there is need."""
        version = sum(tensor.version for tensor in self._tensors)  # none ever falls
        if self.is_exposed or version != self._version:
            self._work()
            self._version = version

    @property
    def is_exposed(self) -> bool:
        """Whether a blob may change unseen."""
        return any(tensor.is_exposed for tensor in self._tensors)

    def ring_if_stale(self, alarm: Alarm) -> None:
        """Ring `alarm` once there is need."""
        for tensor in self._tensors:
            tensor.ring_if_changed(alarm)
