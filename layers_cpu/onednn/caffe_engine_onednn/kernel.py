"""OnednnKernel: what the kernels of this engine have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from caffe_core.alarm import Alarm
from caffe_core.blob import ANY_FORMAT, CHANNELS_LAST, Blob
from caffe_core.device import CPU, Device
from caffe_core.kernel import Kernel, Workspace
from caffe_core.layer import Layer
from caffe_engine_onednn.bfloat16 import BFLOAT16
from caffe_engine_onednn.calls import Calls, Run
from caffe_engine_onednn.constants import Prop
from caffe_engine_onednn.context import context_of
from caffe_engine_onednn.library import missing
from caffe_engine_onednn.memory import Memory, type_on
from caffe_engine_onednn.primitive import Primitive, Recipe
from caffe_engine_onednn.trial import why_not


class OnednnKernel(Kernel):
    """Runs primitives that are made once for the shapes at hand.

    Subclasses override `build_forward`, which returns the calls that make up a forward pass, and
    `build_backward`. The latter waits for the first backward, so that a net that only runs forward
    allocates no gradients. Before them, each tensor is told what will happen to it, as primitives
    go by addresses and tell nobody.

    Attributes:
        in_bfloat16: Whether the kernel may take and give numbers in bfloat16.
        type: The type of the numbers that it takes and gives; learned blobs are in float32.
    """

    formats = ANY_FORMAT
    prefers = CHANNELS_LAST
    in_bfloat16: ClassVar[bool] = False

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Return why the library cannot run `layer`, or runs it only by its slow reference code.

        It is tried out, on blobs like the layer's in the memory format that this kernel prefers.
        """
        if layer.dtype != np.float32:
            return f"oneDNN computes in float32, the net in {layer.dtype}"
        return missing() or why_not(cls, layer, bottom, top, CPU)

    @classmethod
    def device_for(
        cls,
        layer: Layer,
        bottom: Sequence[Blob],
        top: Sequence[Blob],
        device: Device,
        precision: str,
    ) -> Device:
        """Return where the arrays are: bfloat16 numbers, if the library has fast code for them."""
        wanted = precision == "bf16" and cls.in_bfloat16 and device is CPU
        if wanted and why_not(cls, layer, bottom, top, BFLOAT16) is None:
            return BFLOAT16
        return device

    def __init__(self, layer: Layer, device: Device = CPU, workspace: Workspace | None = None):
        super().__init__(layer, device, workspace)
        self.blobs = list(layer.blobs)  # they stay in float32
        self.type = type_on(device)
        self.recipes: list[Recipe] = []

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
        self.recipes, self.copies = [], []
        self._backward: dict[tuple[bool, ...], list[Run]] = {}
        self._empty = not all(blob.count for blob in (*bottom, *top))
        work = [] if self._empty else self.build_forward(bottom, top)
        self._forward = Calls((*bottom, *self.blobs), top, work)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the tops."""
        self._forward()

    def settle(self, alarm: Alarm) -> Sequence[Run] | None:
        """Return the calls that compute."""
        return None if self._empty else self._forward.settle(alarm)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diffs of the bottoms, add to those of the learned blobs."""
        wanted = (*propagate_down, *self.layer.param_propagate_down)
        if wanted not in self._backward:
            reads = self.layer.facts.backward_reads
            data = (*(bottom if "bottom" in reads else ()), *(top if "top" in reads else ()))
            self._backward[wanted] = [
                *(partial(each.data_tensor.read, each.device) for each in (*data, *self.blobs)),
                *(partial(blob.diff_tensor.read, blob.device) for blob in top),
                *(
                    partial(blob.diff_tensor.overwrite, blob.device)
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
