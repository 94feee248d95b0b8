"""BatchNorm on NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.portions import Portions


class BatchNormKernel(Kernel):
    """BatchNorm on arrays seen as ``(N, channels, positions)``, a portion of the batch at a time.

    Attributes:
        mean: What forward has subtracted, ``(channels, 1)``.
        scale: What it has multiplied by: one over the standard deviation, ``(channels, 1)``.
        centred: x - mean, where backward wants it and the top has taken the place of x.
    """

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Cut the batch into portions; allocate a few numbers for each channel."""
        x, channels = bottom[0], self.layer.channels
        self.values = max(x.count // channels, 1)
        self.shape = (x.shape[0], channels, x.span(2))
        self.portions = Portions(x, self.workspace, (self.shape[2:], x.dtype))
        self.mean, self.variance, self.scale, self.average = np.zeros((4, channels, 1), x.dtype)
        self.sums, self.dots = np.zeros((2, *self.shape[:2]), x.dtype)
        lost = top[0] is bottom[0] and not self.layer.use_global_stats and self.need_backward
        self.centred = self._seen(np.zeros_like(x.data)) if lost else None

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top; add the batch's mean and variance to the statistics if they are used."""
        x, y = self._seen(bottom[0].data), self._seen(top[0].data)
        if self.layer.use_global_stats:
            self._recall()
        else:
            self._measure(x)
            self._remember()
        np.add(self.variance, self.layer.eps, out=self.scale)
        np.sqrt(self.scale, out=self.scale)
        np.reciprocal(self.scale, out=self.scale)
        for part, _ in self.portions:
            np.multiply(self._centre(x, part, y[part]), self.scale, out=y[part])

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff: (dy - mean(dy) - y mean(dy y)) / standard deviation."""
        if not propagate_down[0]:
            return
        dx, dy = self._seen(bottom[0].diff), self._seen(top[0].diff)
        if self.layer.use_global_stats:
            np.multiply(dy, self.scale, out=dx)
            return
        x = self._seen(bottom[0].data)
        for part, (scratch,) in self.portions:
            np.einsum("ncp->nc", dy[part], out=self.sums[part])
            centred = self._centre(x, part, scratch)
            np.einsum("ncp,ncp->nc", dy[part], centred, out=self.dots[part])
        slope = self._average(self.dots, self.variance)  # forward needs that no longer
        slope *= self.scale
        slope *= self.scale
        average = self._average(self.sums, self.average)
        for part, (scratch,) in self.portions:
            np.multiply(self._centre(x, part, scratch), slope, out=scratch)
            scratch += average
            np.subtract(dy[part], scratch, out=dx[part])
            dx[part] *= self.scale

    def _seen(self, array: Any) -> Any:
        """A view of a blob's array, of either memory format, with one axis of positions."""
        return array.reshape(self.shape)

    def _centre(self, x: Any, part: slice, out: Any) -> Any:
        """A portion of x - mean: what is kept of it, or else written to `out`."""
        if self.centred is not None:
            return self.centred[part]
        return np.subtract(x[part], self.mean, out=out)

    def _recall(self) -> None:
        """Take mean and variance from the statistics."""
        total = self.blobs[2].data
        factor = np.divide(1, total, where=total != 0, out=np.zeros_like(total))
        np.multiply(self.blobs[0].data, factor, out=self.mean[:, 0])
        np.multiply(self.blobs[1].data, factor, out=self.variance[:, 0])

    def _measure(self, x: Any) -> None:
        """Take mean and variance from the batch, and keep x - mean if there is a place for it."""
        np.einsum("ncp->nc", x, out=self.sums)
        self._average(self.sums, self.mean)
        for part, (scratch,) in self.portions:
            place = scratch if self.centred is None else self.centred[part]
            centred = np.subtract(x[part], self.mean, out=place)
            np.einsum("ncp,ncp->nc", centred, centred, out=self.dots[part])
        self._average(self.dots, self.variance)

    def _remember(self) -> None:
        """Add mean and variance to the statistics."""
        unbiased = self.values / max(self.values - 1, 1)
        news = (self.mean[:, 0], unbiased * self.variance[:, 0], 1)
        for blob, new in zip(self.blobs, news, strict=True):
            stored = blob.data
            stored *= self.layer.moving_average_fraction
            stored += new

    def _average(self, totals: Any, out: Any) -> Any:
        """Write the average over all values of a channel, given their total for each item."""
        np.add.reduce(totals, axis=0, out=out[:, 0])
        out /= self.values
        return out
