"""EuclideanLoss: half the squared distance between two bottoms, averaged over the items."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.loss import LossLayer
from caffe_core.rows import in_memory_order
from caffe_core.testing import Case


class EuclideanLoss(LossLayer):
    """Sum of squared differences over 2 N, for N items.

    Bottoms: predictions and targets, as many items of one size; beyond that their shapes may
    differ. Both get a gradient where one is wanted.
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the loss a single number."""
        self.check_same_items(0, 1, bottom)
        super().reshape(bottom, top)

    def allow_force_backward(self, bottom_index: int) -> bool:
        """Targets get a gradient too."""
        return True


class EuclideanLossKernel(Kernel):
    """EuclideanLoss on arrays."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the differences, so that they can be seen in the shape of either bottom."""
        alike = bottom[0].shape == bottom[1].shape
        differences = self.xp.empty_like(bottom[0].data, order="K" if alike else "C")
        self.differences = [differences, differences.reshape(bottom[1].shape)]
        self.flat = in_memory_order(differences)
        self.items = max(bottom[0].shape[0], 1)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        like_first, like_second = self.differences
        self.xp.negative(bottom[1].data, out=like_second)
        like_first += bottom[0].data
        top[0].data[...] = self.xp.dot(self.flat, self.flat) / (2 * self.items)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of each bottom that wants one."""
        scale = top[0].diff / self.items
        for index, sign in enumerate((1, -1)):
            if propagate_down[index]:
                self.xp.multiply(self.differences[index], sign * scale, out=bottom[index].diff)


CASES = [
    Case(bottom=[(4, 6)] * 2),
    Case(bottom=[(3, 2, 4, 2), (3, 16)], note="shapes that differ within an item"),
    Case("loss_weight: 0.5", bottom=[(2, 3, 4, 5)] * 2),
    Case(bottom=[(7,), (7, 1)]),
]
