"""ContrastiveLoss: draws similar pairs together, pushes others apart up to a margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import exactly
from caffe_core.loss import LossLayer
from caffe_core.testing import Case, labels, uniform

_LEAST_DISTANCE = 1e-4  # added to what the gradient divides by, as in Caffe


class ContrastiveLoss(LossLayer):
    """Half the average, over the pairs, of d squared or of max(margin - d, 0) squared.

    Bottoms: the first and the second vector of each pair, ``(N, C)`` or ``(N, C, 1, 1)``, and for
    each pair a number, not 0 if the two are similar; d is their distance. With ``legacy_version``,
    what counts for a pair that is not similar is max(margin - d squared, 0).

    Source: Hadsell et al., "Dimensionality reduction by learning an invariant mapping", 2006.
    """

    bottoms = exactly(3)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        self.margin = self.param.contrastive_loss_param.margin
        self.legacy_version = self.param.contrastive_loss_param.legacy_version

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the loss a single number."""
        self.check_same_items(0, 1, bottom)
        names = self.param.bottom
        for name, blob in zip(names[:2], bottom[:2], strict=True):
            if blob.span(2) != 1:
                raise self.error(
                    f"bottom {name!r} has shape {blob.shape}, expected one vector (N, C) or "
                    "(N, C, 1, 1) for each pair; put a Flatten layer before"
                )
        if bottom[2].count != bottom[0].shape[0]:
            raise self.error(
                f"bottom {names[0]!r} {bottom[0].shape} needs one number for each pair, bottom "
                f"{names[2]!r} {bottom[2].shape} has {bottom[2].count}; give as many"
            )
        super().reshape(bottom, top)

    def allow_force_backward(self, bottom_index: int) -> bool:
        """Both vectors get a gradient."""
        return bottom_index != 2


class ContrastiveLossKernel(Kernel):
    """ContrastiveLoss on arrays."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the differences, and a few numbers for each pair."""
        pairs, size = bottom[0].span(0, 1), bottom[0].span(1)
        self.difference = np.zeros((pairs, size), bottom[0].dtype)
        self.squared, self.distance, self.gap, self.factor = np.zeros((4, pairs), bottom[0].dtype)
        self.similar = np.zeros(pairs, bool)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        first, second = self._vectors(bottom[0].data), self._vectors(bottom[1].data)
        np.subtract(first, second, out=self.difference)
        np.einsum("nc,nc->n", self.difference, self.difference, out=self.squared)
        np.sqrt(self.squared, out=self.distance)
        far = self.squared if self.layer.legacy_version else self.distance
        np.subtract(self.layer.margin, far, out=self.gap)
        np.maximum(self.gap, 0, out=self.gap)
        # Caffe cuts the number to a whole one before it asks whether it is 0.
        number = np.abs(bottom[2].data.reshape(-1), out=self.factor)
        np.greater_equal(number, 1, out=self.similar)
        loss = self._penalty()
        np.copyto(loss, self.squared, where=self.similar)
        top[0].data[...] = loss.sum() / (2 * max(len(loss), 1))

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of each vector that wants one."""
        self.layer.refuse_gradients(propagate_down)
        factor = self._slope()
        np.copyto(factor, 1, where=self.similar)
        factor *= top[0].diff / max(len(factor), 1)
        for index in range(2):
            if propagate_down[index]:
                dx = self._vectors(bottom[index].diff)
                np.multiply(self.difference, factor[:, None], out=dx)
            np.negative(factor, out=factor)

    def _vectors(self, array: Any) -> Any:
        return array.reshape(self.difference.shape)

    def _penalty(self) -> Any:
        """Twice the loss for each pair, were it not similar."""
        if self.layer.legacy_version:
            np.copyto(self.factor, self.gap)
        else:
            np.square(self.gap, out=self.factor)
        return self.factor

    def _slope(self) -> Any:
        """What the difference of each pair is to be multiplied by, were it not similar."""
        if self.layer.legacy_version:
            np.greater(self.gap, 0, out=self.factor)
        else:
            np.add(self.distance, _LEAST_DISTANCE, out=self.factor)
            np.divide(self.gap, self.factor, out=self.factor)
        return np.negative(self.factor, out=self.factor)


_FAR = uniform((6, 4), -40, 40)  # so far that what is added to the distance does not show

CASES = [
    Case("contrastive_loss_param { margin: 100 }", bottom=[_FAR, _FAR, labels((6,), 2)]),
    Case(bottom=[(5, 3), (5, 3), labels((5,), 2)], gradient=False, note="margin 1"),
    Case(
        "contrastive_loss_param { legacy_version: true margin: 8 }",
        bottom=[(6, 4, 1, 1), (6, 4), labels((6, 1), 2)],
    ),
]
