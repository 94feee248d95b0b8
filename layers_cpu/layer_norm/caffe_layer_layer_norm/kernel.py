"""The arithmetic of LayerNorm, which serves other normalisations of single items too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_core.blob import ANY_FORMAT, Blob, Shape
from caffe_core.kernel import Kernel
from caffe_core.portions import Portions


@dataclass(frozen=True)
class Seen:
    """How the kernel sees a blob.

    Attributes:
        shape: Its shape, with axes cut or joined.
        items: How many of the first axes tell apart what is normalised for itself.
        learned: The axes that scale and shift span.
    """

    shape: Shape
    items: int
    learned: range


class LayerNormKernel(Kernel):
    """Normalisation of items on arrays as ``layer.seen`` says, a portion of the batch at a time.

    In place, it keeps a copy of the bottom, which backward reads.
    """

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Cut the batch into portions; allocate a few numbers for each item."""
        x, seen = bottom[0], self.layer.seen
        self.axes = list(range(len(seen.shape)))
        self.portions = Portions(x, self.workspace, (x.shape[2:], x.dtype))
        items = seen.shape[: seen.items]
        self.values = max(x.count // max(math.prod(items), 1), 1)
        self.mean, self.factor, self.slope = np.zeros((3, *items), x.dtype)
        if self.blobs:
            self.total = np.zeros([seen.shape[axis] for axis in seen.learned], x.dtype)
        lost = top[0] is bottom[0] and self.need_backward
        self.kept = np.zeros_like(x.data) if lost else None

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        if self.kept is not None:
            self.kept[...] = bottom[0].data
        x, y = self._seen(bottom[0].data), self._seen(top[0].data)
        for part, _ in self.portions:
            self._average(x[part], out=self.mean[part])
            centred = np.subtract(x[part], self._each(self.mean[part]), out=y[part])
            factor = self._average(centred, centred, out=self.factor[part])
            factor += self.layer.eps
            np.sqrt(factor, out=factor)
            np.reciprocal(factor, out=factor)
            y[part] *= self._each(factor)
            if self.blobs:
                y[part] *= self._learned(self.blobs[0].data)
                y[part] += self._learned(self.blobs[1].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Add to the diffs of scale and shift, then write the bottom's, which may be the top's."""
        x = self._seen(bottom[0].data if self.kept is None else self.kept)
        dy, dx = self._seen(top[0].diff), self._seen(bottom[0].diff)
        for part, (scratch,) in self.portions:
            normal = scratch.reshape(dy[part].shape)
            np.subtract(x[part], self._each(self.mean[part]), out=normal)
            normal *= self._each(self.factor[part])
            for index, factors in enumerate(((dy[part], normal), (dy[part],))[: len(self.blobs)]):
                if self.layer.param_propagate_down[index]:
                    self._add_diff(self.blobs[index], *factors)
            if propagate_down[0]:
                self._differentiate(part, normal, dy[part], dx[part])

    def _differentiate(self, part: slice, normal: Any, dy: Any, dx: Any) -> None:
        """Write dx = (g - mean(g) - normal mean(g normal)) factor, where g = scale dy.

        Args:
            part: The items.
            normal: The normalised values; overwritten.
            dy: The top's diff.
            dx: The bottom's; may be `dy`.
        """
        if self.blobs:
            np.multiply(dy, self._learned(self.blobs[0].data), out=dx)
        else:
            dx[...] = dy
        normal *= self._each(self._average(dx, normal, out=self.slope[part]))
        mean = self._average(dx, out=self.slope[part])
        dx -= normal
        dx -= self._each(mean)
        dx *= self._each(self.factor[part])

    def _add_diff(self, blob: Blob, *factors: Any) -> None:
        """Add the product of `factors`, summed over what shares it, to a learned blob's diff."""
        operands = [each for factor in factors for each in (factor, self.axes)]
        np.einsum(*operands, list(self.layer.seen.learned), out=self.total)
        blob.diff[...] += self.total.reshape(blob.shape)

    def _average(self, *factors: Any, out: Any) -> Any:
        """Write the average of the product of `factors` over each item."""
        operands = [each for factor in factors for each in (factor, self.axes)]
        np.einsum(*operands, self.axes[: self.layer.seen.items], out=out)
        out /= self.values
        return out

    def _seen(self, array: Any) -> Any:
        """A view of a blob's array, of either memory format."""
        return array.reshape(self.layer.seen.shape)

    def _each(self, numbers: Any) -> Any:
        """A number for each item, in a shape that goes with the items."""
        return numbers.reshape(numbers.shape + (1,) * (len(self.axes) - numbers.ndim))

    def _learned(self, array: Any) -> Any:
        """Scale or shift, in a shape that goes with the items."""
        seen = self.layer.seen
        lengths = [seen.shape[axis] for axis in seen.learned]
        return array.reshape(*lengths, *(1,) * (len(seen.shape) - seen.learned.stop))
