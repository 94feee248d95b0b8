"""NeuronKernel: the arithmetic of layers that apply one function to every element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel


class NeuronKernel(Kernel):
    """y = f(x) for each element x of the bottom and y of the top.

    Subclasses override `activate` and `differentiate`. Where backward reads the bottom and the top
    takes its place, the kernel keeps a copy of it, as Caffe does for PReLU: so gradients in place
    are right whatever f is, and the layer may say ``inplace=True`` with any ``backward_reads``.
    """

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the copy, if there is need of one."""
        lost = top[0] is bottom[0] and "bottom" in self.layer.facts.backward_reads
        self._kept = self.xp.empty_like(bottom[0].data) if lost and self.need_backward else None

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        in_place = top[0] is bottom[0]
        x = bottom[0].data if in_place else bottom[0].read()
        if self._kept is not None:
            self._kept[...] = x
        self.activate(x, x if in_place else top[0].overwrite())

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff."""
        if propagate_down[0]:
            same = top[0].diff_tensor is bottom[0].diff_tensor
            dx = bottom[0].diff if same else bottom[0].overwrite_diff()
            dy = dx if same else top[0].read_diff()
            self.differentiate(self.input(bottom), top[0].read(), dy, dx)

    def activate(self, x: Any, y: Any) -> None:
        """Write y = f(x). In place, `y` is `x`."""
        raise NotImplementedError(f"{type(self).__name__} has no activate")

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write dx = f'(x) dy, reading no more of `x` and `y` than the layer's facts say.

        In place, `dx` is `dy`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no differentiate")

    def input(self, bottom: Sequence[Blob]) -> Any:
        """Return x for backward, also where the top has taken its place."""
        return bottom[0].read() if self._kept is None else self._kept

    def affine(self, x: Any, scale: float, shift: float, out: Any) -> Any:
        """Return ``scale * x + shift``: written to `out`, or `x` itself if that is the same."""
        if scale == 1 and shift == 0:
            return x
        self.xp.multiply(x, scale, out=out)
        if shift != 0:
            out += shift
        return out
