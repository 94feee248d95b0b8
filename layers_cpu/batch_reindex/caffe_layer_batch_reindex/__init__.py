"""BatchReindex: items of a batch in another order."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.indices import Indices
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, exactly
from caffe_core.rows import add_rows, rows
from caffe_core.testing import Case, labels


class BatchReindex(Layer):
    """Picks items of a batch: item i of the top is the item of bottom 0 that index i names.

    Bottoms: the batch ``(N, ...)``, and the indices ``(M,)``, from 0 to N - 1. An item may be
    picked repeatedly, or not at all. The top is ``(M, ...)``. Indices get no gradient.
    """

    bottoms = exactly(2)
    facts = Facts(backward_reads=frozenset())

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make as many items as there are indices."""
        batch, indices = bottom
        if len(indices.shape) != 1 or not batch.shape:
            names = self.param.bottom
            raise self.error(
                f"takes a batch with at least 1 axis and indices with 1 axis; bottom {names[0]!r} "
                f"is {batch.shape}, bottom {names[1]!r} is {indices.shape}; reshape them"
            )
        top[0].reshape(*indices.shape, *batch.shape[1:])

    def allow_force_backward(self, bottom_index: int) -> bool:
        """Indices get no gradient."""
        return bottom_index != 1

    def refuse_gradients(self, propagate_down: Sequence[bool]) -> None:
        """Raise a LayerError if the indices are asked for a gradient."""
        if propagate_down[1]:
            raise self.error(
                f"bottom {self.param.bottom[1]!r} is asked for a gradient, but indices have none; "
                "set propagate_down to true for bottom 0, false for bottom 1"
            )


class BatchReindexKernel(Kernel):
    """BatchReindex on rows, one for each item. Backward uses the indices of the last forward."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the indices."""
        self.indices = Indices(
            self.layer,
            1,
            count=bottom[1].count,
            limit=bottom[0].shape[0],
            things=f"items of bottom {self.layer.param.bottom[0]!r}",
            remedy="correct the index",
        )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        picked = self.indices.read(bottom[1])
        self.xp.take(rows(bottom[0].data), picked, axis=0, out=rows(top[0].data), mode="clip")

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the sum of the diffs of an item's copies; 0 for items not picked."""
        self.layer.refuse_gradients(propagate_down)
        if propagate_down[0]:
            bottom[0].diff.fill(0)
            dx, dy = rows(bottom[0].diff), rows(top[0].diff)
            add_rows(dx, self.indices.values, dy, self.workspace)


CASES = [
    Case(bottom=[(4, 3, 2, 5), labels((4,), 4)]),
    Case(bottom=[(6, 3), labels((2,), 6)], note="fewer items"),
    Case(bottom=[(2,), labels((5,), 2)], note="more items"),
]
