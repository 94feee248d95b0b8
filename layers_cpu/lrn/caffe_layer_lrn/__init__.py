"""LRN: y = x (k + alpha / size * the sum of x squared over the neighbours) ** -beta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.portions import Portions
from caffe_core.proto import caffe_pb2
from caffe_core.testing import Case


class LRN(Layer):
    """Local response normalisation, of ``(N, C, H, W)``.

    The neighbours are the ``local_size`` channels around an element, or, with ``norm_region:
    WITHIN_CHANNEL``, a square of that side around it in its channel. Either is cut off at the
    border, but the sum is divided by its full size. Within channels ``k`` is 1, as in Caffe.

    Source: Krizhevsky et al., "ImageNet classification with deep convolutional neural networks",
    2012.
    """

    facts = Facts(backward_reads=frozenset({"bottom"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        param = self.param.lrn_param
        if param.local_size % 2 == 0:
            raise self.error(f"local_size is {param.local_size}, but must be odd: it has a middle")
        within = param.norm_region == caffe_pb2.LRNParameter.WITHIN_CHANNEL
        self.axes = (2, 3) if within else (1,)
        self.reach = param.local_size // 2
        self.scale = param.alpha / param.local_size ** len(self.axes)
        self.shift = 1.0 if within else param.k
        self.beta = param.beta

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Keep the shape."""
        shape = bottom[0].shape
        if len(shape) != 4:
            name = self.param.bottom[0]
            raise self.error(f"bottom {name!r} has shape {shape}, expected 4 axes: N, C, H, W")
        top[0].reshape(shape)


class LRNKernel(Kernel):
    """LRN on arrays. Backward computes the sums again, which is faster than keeping them."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Cut the batch into portions."""
        like_bottom = (bottom[0].shape[2:], bottom[0].dtype)
        self.portions = Portions(bottom[0], self.workspace, *[like_bottom] * 3)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        for part, (total, work, spare) in self.portions:
            x, y = bottom[0].data[part], top[0].data[part]
            self._total(x, total, work, spare)
            np.power(total, -self.layer.beta, out=y)
            y *= x

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff."""
        if not propagate_down[0]:
            return
        layer = self.layer
        for part, (total, work, spare) in self.portions:
            x, dx, dy = bottom[0].data[part], bottom[0].diff[part], top[0].diff[part]
            self._total(x, total, work, spare)
            np.power(total, -layer.beta, out=dx)
            dx *= dy
            np.multiply(dx, x, out=work)
            work /= total
            self._sum(work, total, spare)
            total *= x
            total *= 2 * layer.scale * layer.beta
            dx -= total

    def _total(self, x: Any, total: Any, work: Any, spare: Any) -> None:
        """Write to `total` what is raised to the power."""
        self._sum(np.square(x, out=work), total, spare)
        total *= self.layer.scale
        total += self.layer.shift

    def _sum(self, x: Any, total: Any, spare: Any) -> None:
        """Write to `total` the sum of `x` over the neighbours of each element."""
        *axes, last = self.layer.axes
        for axis in axes:
            _sum_along(axis, self.layer.reach, x, spare)
            x = spare
        _sum_along(last, self.layer.reach, x, total)


def _sum_along(axis: int, reach: int, x: Any, total: Any) -> None:
    """Write the sum over the neighbours along an axis, no farther away than `reach`."""
    total[...] = x
    for distance in range(1, min(reach, x.shape[axis] - 1) + 1):
        ahead = (slice(None),) * axis + (slice(distance, None),)
        behind = (slice(None),) * axis + (slice(None, -distance),)
        total[behind] += x[ahead]
        total[ahead] += x[behind]


CASES = [
    Case("lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 k: 2 }", bottom=[(2, 5, 3, 4)]),
    Case(
        "lrn_param { local_size: 7 alpha: 2 beta: 0.5 }",
        bottom=[(2, 4, 3, 2)],
        note="more neighbours than there are channels",
    ),
    Case(
        "lrn_param { local_size: 3 alpha: 3 norm_region: WITHIN_CHANNEL }",
        bottom=[(2, 2, 5, 4)],
        note="within channels",
    ),
    Case("lrn_param { local_size: 1 alpha: 1 beta: 1 }", bottom=[(2, 3, 2, 2)]),
]
