"""Filter: the items of a batch that a selector names."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, at_least
from caffe_core.rows import rows
from caffe_core.testing import Case, labels


class Filter(Layer):
    """Passes on the items of all bottoms but the last whose selector is not 0.

    The last bottom is the selector: a number for each item, ``(N,)`` or ``(N, 1, 1, 1)``. There is
    a top for each other bottom, with as many items as are selected, which may be none. Items that
    are not selected get the gradient 0, the selector gets none.
    """

    bottoms = at_least(2)
    tops = at_least(1)
    facts = Facts(backward_reads=frozenset(), dynamic=True)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the number of tops."""
        if len(top) != len(bottom) - 1:
            raise self.error(
                f"has {len(bottom)} bottoms and {len(top)} tops, expected a top for each bottom "
                "but the last, the selector; add or remove some"
            )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Let the tops keep as many items as were selected last, all at first.

        How many it will be only forward can tell, when the selector is computed.
        """
        *batches, selector = bottom
        names = self.param.bottom
        if selector.shape[:1] != (selector.count,):
            raise self.error(
                f"the selector {names[-1]!r} has shape {selector.shape}, expected one number for "
                "each item, (N,) or (N, 1, 1, 1); reshape it"
            )
        for name, below, above in zip(names, batches, top, strict=False):
            if below.shape[:1] != selector.shape[:1]:
                raise self.error(
                    f"bottom {name!r} {below.shape} must have as many items as the selector "
                    f"{names[-1]!r}, which has {selector.count}; change one of them"
                )
            last, *_ = above.shape or selector.shape
            above.reshape(min(last, selector.count), *below.shape[1:])

    def allow_force_backward(self, bottom_index: int) -> bool:
        """The selector gets no gradient."""
        return bottom_index != len(self.param.bottom) - 1

    def refuse_gradients(self, propagate_down: Sequence[bool]) -> None:
        """Raise a LayerError if the selector is asked for a gradient."""
        if propagate_down[-1]:
            raise self.error(
                f"the selector {self.param.bottom[-1]!r} is asked for a gradient, but has none; "
                "set propagate_down to false for it, true for the other bottoms"
            )


class FilterKernel(Kernel):
    """Filter on rows, one for each item. Backward uses the selection of the last forward."""

    formats = ANY_FORMAT

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Shape and write the tops."""
        *batches, selector = bottom
        self.picked = self.xp.flatnonzero(selector.data)
        for below, above in zip(batches, top, strict=True):
            above.reshape(len(self.picked), *below.shape[1:])
            x, y = rows(below.data), rows(above.data)
            self.xp.take(x, self.picked, axis=0, out=y, mode="clip")

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottoms' diffs."""
        self.layer.refuse_gradients(propagate_down)
        for below, above, wanted in zip(bottom, top, propagate_down, strict=False):
            if wanted:
                below.diff.fill(0)
                rows(below.diff)[self.picked] = rows(above.diff)


CASES = [
    Case(bottom=[(6, 3), labels((6,), 2)]),
    Case(
        bottom=[(5, 2, 3, 4), (5,), labels((5, 1, 1, 1), 2)],
        tops=2,
        note="two batches by one selector",
    ),
    Case(bottom=[(3, 2, 2), labels((3,), 1)], note="nothing is selected"),
]
