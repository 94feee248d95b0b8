"""OnednnKernel: what the kernels of this engine have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from caffe_core.blob import ANY_FORMAT, CHANNELS_LAST, CONTIGUOUS, Blob, MemoryFormat
from caffe_core.kernel import Kernel
from caffe_core.layer import Layer
from caffe_engine_onednn.constants import Alg, Prop
from caffe_engine_onednn.context import context_of
from caffe_engine_onednn.library import OnednnError, missing
from caffe_engine_onednn.memory import Descriptor, Memory
from caffe_engine_onednn.primitive import Attributes, Primitive, Recipe

Run = Callable[[], Any]


class OnednnKernel(Kernel):
    """Runs primitives that are made once for the shapes at hand.

    Subclasses override `build_forward`, which returns the calls that make up a forward pass, and
    `build_backward`. The latter waits for the first backward, so that a net that only runs forward
    allocates no gradients. Before them, each tensor is told what will happen to it, as primitives
    go by addresses and tell nobody.

    Attributes:
        applies_relu: Whether forward can end with a ReLU.
        relu: The slope for negative numbers of the ReLU with which it ends, if it does.
    """

    formats = ANY_FORMAT
    prefers = CHANNELS_LAST
    applies_relu: ClassVar[bool] = False
    relu: float | None = None

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Return why the library cannot run `layer`, or runs it only by its slow reference code.

        It is tried out, on blobs like the layer's in the memory format that this kernel prefers.
        """
        if layer.dtype != np.float32:
            return f"oneDNN computes in float32, the net in {layer.dtype}"
        if missing():
            return missing()
        try:
            kernel = cls(layer)
            slow = kernel._try(_like(bottom, cls.prefers), _like(top, cls.prefers))
        except OnednnError as error:
            return str(error)
        return f"oneDNN has only its reference code for {' and '.join(slow)}" if slow else None

    def _try(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[str]:
        """Make all primitives, run none; return those that are slow."""
        self.recipes: list[Recipe] = []
        self.prepare(bottom, top)
        if not self._empty:
            self.build_backward(top, [True] * len(bottom), bottom)
        return [each.kind for each in self.recipes if each.implementation.startswith("ref")]

    def absorb(self, layer: Layer) -> bool:
        """Apply a ReLU that follows in place, if the primitive can."""
        if not self.applies_relu or self.relu is not None or layer.type != "ReLU":
            return False
        if layer.negative_slope < 0:
            return False
        self.relu = layer.negative_slope
        return True

    def release(self) -> None:
        """Apply no ReLU any more."""
        self.relu = None

    def attributes(self, addends: Sequence[Descriptor] = ()) -> Attributes:
        """Return what the primitive of the forward pass does beside its own computation."""
        relu = [] if self.relu is None else [(Alg.RELU, self.relu, 0.0)]
        return Attributes(addends=addends, eltwise=relu)

    def recipe(self, kind: str, *arguments: Any) -> Recipe:
        """Choose an implementation of a computation."""
        self.recipes.append(Recipe(kind, *arguments))
        return self.recipes[-1]

    @property
    def prop(self) -> Prop:
        """Whether forward must keep what backward needs."""
        return Prop.TRAINING if self.need_backward else Prop.INFERENCE

    def primitive(self, recipe: Recipe, memories: Mapping[int, Memory]) -> Primitive:
        """Return a computation on these memories, ready to be called."""
        return Primitive(context_of(self.workspace), recipe, memories)

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the primitives of the forward pass."""
        self.recipes = []
        self._backward: dict[tuple[bool, ...], list[Run]] = {}
        self._empty = not all(blob.count for blob in (*bottom, *top))
        learned = [blob.data_tensor.read for blob in self.blobs]
        self._forward = [
            *(blob.data_tensor.read for blob in bottom),
            *learned,
            *(blob.data_tensor.overwrite for blob in top),
            *([] if self._empty else self.build_forward(bottom, top)),
        ]

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the tops."""
        for run in self._forward:
            run()

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diffs of the bottoms, add to those of the learned blobs."""
        wanted = (*propagate_down, *self.layer.param_propagate_down)
        if wanted not in self._backward:
            self._backward[wanted] = [
                *(blob.data_tensor.read for blob in (*top, *bottom, *self.blobs)),
                *(blob.diff_tensor.read for blob in top),
                *(
                    blob.diff_tensor.overwrite
                    for blob, down in zip(bottom, propagate_down, strict=True)
                    if down
                ),
                *([] if self._empty else self.build_backward(top, propagate_down, bottom)),
            ]
        for run in self._backward[wanted]:
            run()

    def build_forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> list[Run]:
        """Return the calls of a forward pass."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def build_backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> list[Run]:
        """Return the calls of a backward pass."""
        return []


def _like(blobs: Sequence[Blob], preferred: MemoryFormat | None) -> list[Blob]:
    """Return blobs of the same shapes. Their memory is never touched, so it costs nothing."""
    copies = [Blob(blob.shape) for blob in blobs]
    for copy in copies:
        copy.format = preferred or CONTIGUOUS
    return copies
