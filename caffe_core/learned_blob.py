"""LearnedBlob: a blob whose values kernels may keep copies of."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from caffe_core.blob import Blob


class LearnedBlob(Blob):
    """A parameter of a layer, of which kernels may keep packed copies.

    Copies are renewed when the tensor's version grows. It does so whenever `data` is asked for; but
    who asked may write at any later time, so the tensor also knows whether anyone still holds an
    array of it (`Tensor.is_exposed`), or a part of one.
    """

    __slots__ = ("_exposed",)

    _exposed: Callable[[], Any]

    def _drop_views(self) -> None:
        super()._drop_views()
        self._exposed = _nothing

    @property
    def data(self) -> Any:
        """The values."""
        flat = self.data_tensor.modify()
        array = self._exposed() if flat is self._data_base else None
        if array is None:
            # An array on a memoryview stays the base of every array made from it, so it lives as
            # long as any of them.
            array = np.frombuffer(memoryview(flat), flat.dtype) if len(flat) else flat
            self._exposed = weakref.ref(array)
            self._data_base = flat
            self.data_tensor.expose(array)
        return self.view(array)


def _nothing() -> None:
    return None
