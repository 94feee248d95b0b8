"""Graph: a net while it is being built. Each pass reads it and adds what it decides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from caffe_core.blob import Blob
from caffe_core.device import CPU, Device
from caffe_core.kernel import Kernel, Workspace
from caffe_core.layer import Layer, Phase

if TYPE_CHECKING:
    from caffe_core.memory_plan import MemoryPlan


@dataclass(frozen=True)
class Options:
    """How a net is to be built.

    Attributes:
        phase: TRAIN or TEST.
        level: What ``min_level`` and ``max_level`` of layer rules are compared with.
        stages: What ``stage`` and ``not_stage`` of layer rules are compared with.
        device: Where kernels run.
        dtype: Element type of every blob.
        seed: Source of every random number.
        memory_format: ``contiguous``, ``channels_last``, or ``auto``: what the kernels prefer.
        engines: Engines to choose kernels from, best first; None takes the environment's choice.
        fallback: Run layers that have no kernel on the device on the CPU.
        passes: Names of the optional passes to run; None runs all that are installed.
        precision: ``float32``, or ``bf16``: kernels that can take and give bfloat16 numbers.
        keep: Names of the blobs that must hold, after a pass, what Caffe would have left there; the
            inputs and outputs do in any case. None keeps all.
    """

    phase: Phase = Phase.TEST
    level: int = 0
    stages: tuple[str, ...] = ()
    device: Device = CPU
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float32))
    seed: int = 0
    memory_format: str = "auto"
    engines: tuple[str, ...] | None = None
    fallback: bool = False
    passes: tuple[str, ...] | None = None
    precision: str = "float32"
    keep: tuple[str, ...] | None = None


@dataclass(eq=False)
class Reorder:
    """A kernel's own copy of a blob, in a memory format that the kernel takes.

    Attributes:
        blob: The blob.
        copy: What the kernel sees instead.
        may_share: Whether the copy may be the blob's own memory, where both formats come to the
            same. A top whose shape only the kernel knows must not: it may grow out of that.
    """

    blob: Blob
    copy: Blob
    may_share: bool = True

    @property
    def is_shared(self) -> bool:
        """Whether the copy is the blob's own memory, so that nothing is to be copied."""
        return self.copy.data_tensor is self.blob.data_tensor

    def follow(self) -> None:
        """Give the copy the blob's shape; and its memory, if both formats are in the same order."""
        self.copy.reshape(self.blob.shape)
        _, channels, *spatial = self.blob.shape
        if self.may_share and (channels == 1 or math.prod(spatial) == 1):
            self.copy.share_data(self.blob)
            self.copy.share_diff(self.blob)
        elif self.is_shared:
            self.copy.unshare_data()
            self.copy.unshare_diff()


@dataclass(eq=False)
class Node:
    """One layer of a net, what it is connected to and what runs it.

    Attributes:
        layer: The layer.
        bottom_names: Names of the blobs it reads.
        top_names: Names of the blobs it writes; an automatic top has an empty name.
        bottom: The blobs it reads.
        top: The blobs it writes; one that is also a bottom is computed in place.
        loss_weights: For each top, its weight in the objective.
        propagate_down: For each bottom, whether backward writes its diff.
        need_backward: Whether backward runs.
        kernel: What computes it.
        engine: Name of the kernel's engine.
        refusals: Why kernels that come before the chosen one were not taken.
        reorders: Bottoms and tops that the kernel sees as copies in another memory format.
        absorbed_by: The node whose kernel computes this one's forward too.
        joined: The absorbed node whose tops the kernel writes instead of its own, if there is one.
    """

    layer: Layer
    bottom_names: list[str] = field(default_factory=list)
    top_names: list[str] = field(default_factory=list)
    bottom: list[Blob] = field(default_factory=list)
    top: list[Blob] = field(default_factory=list)
    loss_weights: list[float] = field(default_factory=list)
    propagate_down: list[bool] = field(default_factory=list)
    need_backward: bool = False
    kernel: Kernel | None = None
    engine: str = ""
    refusals: list[str] = field(default_factory=list)
    reorders: list[Reorder] = field(default_factory=list)
    absorbed_by: Node | None = None
    joined: Node | None = None

    @property
    def name(self) -> str:
        """Name of the layer."""
        return self.layer.name

    @property
    def label(self) -> str:
        """Name and type of the layer, as messages begin."""
        return f"{self.layer.name} ({self.layer.type})"

    @property
    def reads(self) -> list[Blob]:
        """The blobs that the kernel reads: the bottoms, and those of the joined node."""
        own = {id(blob) for blob in self.top}
        others = self.joined.bottom if self.joined else []
        return [*self.bottom, *(blob for blob in others if id(blob) not in own)]

    @property
    def writes(self) -> list[Blob]:
        """The blobs that the kernel writes: the tops, or those of the joined node."""
        return self.joined.top if self.joined else self.top

    def seen_by_kernel(self, blobs: Sequence[Blob]) -> list[Blob]:
        """Return these bottoms or tops as the kernel gets them: its format, its device."""
        copies = {id(reorder.blob): reorder.copy for reorder in self.reorders}
        device = self.kernel.device if self.kernel else CPU
        return [copies.get(id(blob), blob).on(device) for blob in blobs]


@dataclass(eq=False)
class Parameter:
    """A learned blob as the solver sees it; one that is shared counts once.

    Attributes:
        name: Its name in the prototxt, or ``layer[i]``.
        blob: The owner's blob.
        lr_mult: Factor of the learning rate.
        decay_mult: Factor of the weight decay.
    """

    name: str
    blob: Blob
    lr_mult: float = 1.0
    decay_mult: float = 1.0


@dataclass
class Graph:
    """What passes work on.

    Attributes:
        param: The definition; passes that run before the layers exist rewrite it.
        options: How to build.
        nodes: The layers in order.
        blobs: Every named blob, in order of creation.
        automatic: Blobs without a name, made for losses whose prototxt names no top.
        inputs: Names of the tops of Input layers.
        outputs: Names of the tops that nobody reads.
        params: Learned blobs of each layer that has any.
        learnable: Each learned blob once.
        workspaces: Scratch memory of each device.
        forward_only: No layer runs backward since nobody is to look at gradients.
        memory: Where blobs lie that share memory; None if none do.
        notes: What each pass did, by its name.
    """

    param: Any
    options: Options
    nodes: list[Node] = field(default_factory=list)
    blobs: dict[str, Blob] = field(default_factory=dict)
    automatic: list[Blob] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    params: dict[str, list[Blob]] = field(default_factory=dict)
    learnable: list[Parameter] = field(default_factory=list)
    workspaces: dict[Device, Workspace] = field(default_factory=dict)
    forward_only: bool = False
    memory: MemoryPlan | None = None
    notes: dict[str, list[str]] = field(default_factory=dict)

    def keeps(self, name: str) -> bool:
        """Whether this blob must hold, after a pass, what Caffe would have left there."""
        keep = self.options.keep
        return keep is None or name in keep or name in self.outputs or name in self.inputs

    def name_of(self, blob: Blob) -> str:
        """Return the name of a blob; an automatic one has none."""
        names = (
            name
            for node in self.nodes
            for name, each in zip(
                (*node.bottom_names, *node.top_names), (*node.bottom, *node.top), strict=True
            )
            if each is blob
        )
        return next(names, "")

    def backward_step(self, index: int) -> int:
        """Return when a node runs backward, counted from the first node's forward at 0."""
        return 2 * len(self.nodes) - 1 - index

    def workspace(self, device: Device) -> Workspace:
        """Return the scratch memory of `device`."""
        if device not in self.workspaces:
            self.workspaces[device] = Workspace(device)
        return self.workspaces[device]
