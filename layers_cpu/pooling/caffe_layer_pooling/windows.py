"""Where the windows of a pooling layer stand along one axis of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Tap(NamedTuple):
    """One element of the kernel: the windows in which it is inside the image, and what it sees.

    Both slices are as long; the first is of windows, the second of elements of the image.
    """

    windows: slice
    elements: slice


@dataclass(frozen=True)
class Windows:
    """Windows along an axis of an image.

    Attributes:
        length: Elements of the image.
        kernel: Elements of a window.
        stride: Distance between windows.
        pad: How far before the image the first window starts.
        count: How many windows there are.
    """

    length: int
    kernel: int
    stride: int
    pad: int
    count: int

    @classmethod
    def over(
        cls, length: int, kernel: int, stride: int, pad: int, *, ceil: bool, clip: bool
    ) -> Windows:
        """Return the windows that Caffe puts over `length` elements.

        Args:
            length: Elements of the image.
            kernel: Elements of a window.
            stride: Distance between windows.
            pad: Elements before and after the image.
            ceil: Whether a last window that does not fit as a whole counts.
            clip: Whether it must start before the end of the image and its padding at the front.
        """
        rest = length + 2 * pad - kernel
        count = (-(-rest // stride) if ceil else rest // stride) + 1
        if clip and (count - 1) * stride >= length + pad:
            count -= 1
        return cls(length, kernel, stride, pad, count)

    @property
    def disjoint(self) -> bool:
        """Whether no two windows overlap."""
        return self.stride >= self.kernel

    def taps(self) -> list[Tap]:
        """Return a tap for each element of the kernel, in order; some may be in no window."""
        return [self._tap(offset - self.pad) for offset in range(self.kernel)]

    def starts(self) -> np.ndarray:
        """Return where each window starts in the image: negative in the padding."""
        return np.arange(self.count) * self.stride - self.pad

    def sizes(self) -> np.ndarray:
        """Return the divisor of AVE along this axis: a window's length as far as padding goes.

        A window beyond that, which Caffe divides by 0, has size 1.
        """
        starts = self.starts()
        ends = np.minimum(starts + self.kernel, self.length + self.pad)
        return np.maximum(ends - starts, 1)

    def _tap(self, place: int) -> Tap:
        """The tap that stands at `place` in the first window."""
        first = max(0, -(place // self.stride))
        last = min(self.count, (self.length - 1 - place) // self.stride + 1)
        if first >= last:
            return Tap(slice(0, 0), slice(0, 0))
        start = first * self.stride + place
        stop = (last - 1) * self.stride + place + 1
        return Tap(slice(first, last), slice(start, stop, self.stride))
