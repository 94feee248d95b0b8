"""LossLayer: what layers have in common whose first top is one number, to be made small."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer, exactly


class LossLayer(Layer):
    """Compares its first bottom with its second: predictions with labels, or with targets.

    The top holds the loss without its weight; the net puts the weight into the top's diff. Unless a
    subclass says otherwise, only the first bottom gets a gradient, and backward uses what forward
    has left in the kernel.
    """

    bottoms = exactly(2)
    auto_tops = True
    is_loss = True
    facts = Facts(backward_reads=frozenset())

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the loss a single number."""
        top[0].reshape(())

    def allow_force_backward(self, bottom_index: int) -> bool:
        """Labels get no gradient, nor does what comes after them."""
        return bottom_index == 0

    def check_same_items(self, first: int, second: int, bottom: Sequence[Blob]) -> None:
        """Check that two bottoms have as many items of one size; their shapes may differ.

        Raises:
            LayerError: They do not.
        """
        sizes = [(bottom[at].span(0, 1), bottom[at].span(1)) for at in (first, second)]
        if () in (bottom[first].shape, bottom[second].shape) or sizes[0] != sizes[1]:
            names = self.param.bottom
            raise self.error(
                f"bottom {names[first]!r} {bottom[first].shape} has {_items(*sizes[0])}, bottom "
                f"{names[second]!r} {bottom[second].shape} has {_items(*sizes[1])}; "
                "give both as many items of one size"
            )

    def refuse_gradients(self, propagate_down: Sequence[bool]) -> None:
        """Refuse to go on if a bottom that has no gradient is asked for one.

        Raises:
            LayerError: One is.
        """
        for index, (name, wanted) in enumerate(zip(self.param.bottom, propagate_down, strict=True)):
            if wanted and not self.allow_force_backward(index):
                raise self.error(
                    f"bottom {name!r} is asked for a gradient, but has none; set propagate_down "
                    "to true for the first bottom, false for the others"
                )


def _items(count: int, size: int) -> str:
    return f"{count} items of {size} elements"
