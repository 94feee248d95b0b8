"""Blob: an N-dimensional array and its gradient."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

import numpy as np

from caffe_core.device import CPU, Device
from caffe_core.errors import CaffeError, DeviceError
from caffe_core.tensor import Tensor

Shape = tuple[int, ...]
_Seen = tuple[Any, Any, Any, Any]  # memory, the shape and format in which it was seen, and the view
_NOTHING_SEEN: _Seen = (None, None, None, None)


class MemoryFormat(Enum):
    """The order of a blob's elements in memory. Indexing is N, C, H, W either way."""

    CONTIGUOUS = "contiguous"
    CHANNELS_LAST = "channels_last"


CONTIGUOUS = MemoryFormat.CONTIGUOUS
CHANNELS_LAST = MemoryFormat.CHANNELS_LAST
ANY_FORMAT = (CONTIGUOUS, CHANNELS_LAST)


@dataclass
class Reshapes:
    """How many times the shape of any blob changed; a net looks here for what it must follow."""

    count: int = 0


reshapes = Reshapes()


class Blob:
    """An array (`data`) and its gradient (`diff`), shaped ``(N, C, H, W)`` for images.

    Both are allocated, as zeros, on first use. `data` and `diff` are NumPy arrays that share memory
    with the blob, whatever its memory format; `on` gives the same blob with arrays of a device.

    Args:
        shape: Length of each axis. ``()`` is a single number.
        dtype: ``float32`` or ``float64``.
    """

    __slots__ = ("_data_array", "_data_base", "_diff_array", "_diff_base", "_faces", "_format",
                 "_shape", "count", "data_tensor", "diff_tensor")  # fmt: skip

    device: Device = CPU
    _data_array: Any
    _data_base: Any
    _diff_array: Any
    _diff_base: Any

    def __init__(self, shape: Sequence[int] = (), dtype: Any = np.float32):
        self.data_tensor = Tensor(0, dtype)
        self.diff_tensor = Tensor(0, dtype)
        self._format = CONTIGUOUS
        # Weak, since a face holds the blob: both shall be freed once nobody uses them.
        self._faces: dict[Device, weakref.ref[BlobOnDevice]] = {}
        self._shape: Shape = (0,)
        self.count = 0
        self._drop_views()
        self.reshape(shape)

    def __repr__(self) -> str:
        shape = " ".join(map(str, (*self.shape, f"({self.count})")))
        return f"<Blob {shape} {self.dtype} {self.format.value}>"

    @property
    def shape(self) -> Shape:
        """Length of each axis."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type."""
        return self.data_tensor.dtype

    @property
    def format(self) -> MemoryFormat:
        """Order of the elements in memory. Setting it leaves the content undefined."""
        return self._format

    @format.setter
    def format(self, value: MemoryFormat) -> None:
        self._format = value
        self._drop_views()

    @property
    def data(self) -> Any:
        """The values."""
        flat = self.data_tensor.modify()
        if flat is not self._data_base:
            self._data_array = self.view(flat)
            self._data_base = flat
        return self._data_array

    @property
    def diff(self) -> Any:
        """The gradient of the loss with respect to `data`."""
        flat = self.diff_tensor.modify()
        if flat is not self._diff_base:
            self._diff_array = self.view(flat)
            self._diff_base = flat
        return self._diff_array

    def read(self) -> Any:
        """Return `data`, not to be written to: a device that has the values keeps them."""
        return self.view(self.data_tensor.read())

    def overwrite(self) -> Any:
        """Return `data` to be written whole: nothing comes from a device that has the values."""
        return self.view(self.data_tensor.overwrite())

    def read_diff(self) -> Any:
        """Return `diff`, not to be written to: a device that has the values keeps them."""
        return self.view(self.diff_tensor.read())

    def overwrite_diff(self) -> Any:
        """Return `diff` to be written whole: nothing comes from a device that has the values."""
        return self.view(self.diff_tensor.overwrite())

    def on(self, device: Device) -> Blob:
        """Return this blob with `data` and `diff` on `device`; the same as long as it is in use."""
        if device is CPU:
            return self
        known = self._faces.get(device)
        face = known() if known is not None else None
        if face is None:
            face = BlobOnDevice(self, device)
            self.data_tensor.expect(device)
            self.diff_tensor.expect(device)
            self._faces[device] = weakref.ref(face)
        return cast(Blob, face)

    def reshape(self, *shape: Any) -> None:
        """Change the shape, given as one sequence or as numbers. Memory only ever grows.

        Raises:
            CaffeError: An axis is negative.
        """
        dims = (
            shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) else shape
        )
        new = tuple(int(dim) for dim in dims)
        if new == self._shape:
            return
        if any(dim < 0 for dim in new):
            raise CaffeError(f"a blob's shape must not be negative, got {new}")
        self._shape = new
        self.count = math.prod(new)
        reshapes.count += 1
        self.data_tensor.resize(self.count)
        self.diff_tensor.resize(self.count)
        self._drop_views()

    def share_data(self, other: Blob) -> None:
        """Use the memory of `other`'s data, which holds as many elements, as this blob's data."""
        self._check_count(other)
        self.data_tensor = other.data_tensor
        self._drop_views()

    def unshare_data(self) -> None:
        """Use memory of its own as this blob's data; the values are lost."""
        self.data_tensor = Tensor(self.count, self.dtype)
        self._drop_views()

    def share_diff(self, other: Blob) -> None:
        """Use the memory of `other`'s diff, which holds as many elements, as this blob's diff."""
        self._check_count(other)
        self.diff_tensor = other.diff_tensor
        self._drop_views()

    def unshare_diff(self) -> None:
        """Use memory of its own as this blob's diff; the gradient is lost."""
        self.diff_tensor = Tensor(self.count, self.dtype)
        self._drop_views()

    def axis(self, index: int) -> int:
        """Return `index` counted from the front; a negative one counts from the back.

        Raises:
            CaffeError: The blob has no such axis.
        """
        axes = len(self.shape)
        if not -axes <= index < axes:
            raise CaffeError(f"axis {index} is out of range for a blob of {axes} axes {self.shape}")
        return index % axes

    def span(self, start: int, end: int | None = None) -> int:
        """Return the number of elements in the axes from `start` up to, not including, `end`."""
        return math.prod(self.shape[start:end])

    def legacy_dim(self, index: int) -> int:
        """Return an axis of the shape seen as four axes; missing ones are 1.

        Raises:
            CaffeError: The blob has more than four axes.
        """
        if len(self.shape) > 4:
            raise CaffeError(f"num, channels, height, width need at most 4 axes, got {self.shape}")
        return (*self.shape, 1, 1, 1, 1)[index]

    @property
    def num(self) -> int:
        """First axis of the four that older nets know."""
        return self.legacy_dim(0)

    @property
    def channels(self) -> int:
        """Second axis of the four that older nets know."""
        return self.legacy_dim(1)

    @property
    def height(self) -> int:
        """Third axis of the four that older nets know."""
        return self.legacy_dim(2)

    @property
    def width(self) -> int:
        """Fourth axis of the four that older nets know."""
        return self.legacy_dim(3)

    def _check_count(self, other: Blob) -> None:
        if other.count != self.count:
            raise CaffeError(
                f"cannot share memory: {other.shape} does not hold as many as {self.shape}"
            )

    def view(self, flat: Any) -> Any:
        """Return flat memory of this blob's format indexed as N, C, spatial axes."""
        flat = flat[: self.count]
        if self.format is CONTIGUOUS or len(self.shape) < 3:
            return flat.reshape(self.shape)
        num, channels, *spatial = self.shape
        stored = flat.reshape(num, *spatial, channels)
        return stored.transpose(0, len(self.shape) - 1, *range(1, len(self.shape) - 1))

    def _drop_views(self) -> None:
        self._data_base = None
        self._data_array = None
        self._diff_base = None
        self._diff_array = None


class BlobOnDevice:
    """A blob seen from a device: `data` and `diff` are arrays there, all else is the blob's."""

    def __init__(self, blob: Blob, device: Device):
        self._blob, self.device = blob, device
        self._data_seen = self._diff_seen = _NOTHING_SEEN

    @property
    def data(self) -> Any:
        """The values, on the device."""
        return self._see_data(self._blob.data_tensor.modify(self.device))

    @property
    def diff(self) -> Any:
        """The gradient, on the device."""
        return self._see_diff(self._blob.diff_tensor.modify(self.device))

    def read(self) -> Any:
        """Return `data`, on the device, not to be written to."""
        return self._see_data(self._blob.data_tensor.read(self.device))

    def overwrite(self) -> Any:
        """Return `data`, on the device, to be written whole."""
        return self._see_data(self._blob.data_tensor.overwrite(self.device))

    def read_diff(self) -> Any:
        """Return `diff`, on the device, not to be written to."""
        return self._see_diff(self._blob.diff_tensor.read(self.device))

    def overwrite_diff(self) -> Any:
        """Return `diff`, on the device, to be written whole."""
        return self._see_diff(self._blob.diff_tensor.overwrite(self.device))

    def _see_data(self, flat: Any) -> Any:
        if not self._is_seen(self._data_seen, flat):
            self._data_seen = self._see(flat)
        return self._data_seen[-1]

    def _see_diff(self, flat: Any) -> Any:
        if not self._is_seen(self._diff_seen, flat):
            self._diff_seen = self._see(flat)
        return self._diff_seen[-1]

    def _is_seen(self, seen: _Seen, flat: Any) -> bool:
        return seen[0] is flat and seen[1] is self._blob.shape and seen[2] is self._blob.format

    def _see(self, flat: Any) -> _Seen:
        if self._blob.count > self.device.largest:
            raise DeviceError(
                f"a blob {self._blob.shape} has {self._blob.count} elements; the most are "
                f"{self.device.largest} on {self.device}. Use a smaller batch"
            )
        return flat, self._blob.shape, self._blob.format, self._blob.view(flat)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blob, name)
