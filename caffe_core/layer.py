"""Layer: what a layer is on any device. The arithmetic is in its `Kernel`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from caffe_core.blob import Blob, Shape
from caffe_core.errors import LayerError
from caffe_core.learned_blob import LearnedBlob


class Phase(IntEnum):
    """What a net is built for."""

    TRAIN = 0
    TEST = 1


@dataclass(frozen=True)
class Count:
    """How many bottoms or tops a layer takes; ``most`` None is any number."""

    least: int
    most: int | None

    def __contains__(self, number: int) -> bool:
        return self.least <= number and (self.most is None or number <= self.most)

    def __str__(self) -> str:
        if self.most is None:
            return f"at least {self.least}"
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


def exactly(number: int) -> Count:
    """Take this many."""
    return Count(number, number)


def at_least(number: int) -> Count:
    """Take this many or more."""
    return Count(number, None)


def between(least: int, most: int) -> Count:
    """Take from `least` to `most`."""
    return Count(least, most)


@dataclass(frozen=True)
class Facts:
    """What passes may assume of a layer. The contract suite checks every claim.

    Attributes:
        elementwise: Element i of the top depends on element i of the bottoms alone.
        inplace: The top may be the bottom.
        backward_reads: Whose data backward reads: ``bottom``, ``top``, both or neither.
        shares_bottom: Every top uses the memory of bottom 0 (its data, and its diff if the counts
            of tops allow it): Split, Flatten, Reshape.
        host_only: A device needs no kernel for it, since the host has the work: data, Python code.
        dynamic: The tops' shapes may change from one forward to the next. The layer's `reshape` is
            called before each forward, and its kernel's forward may reshape the tops.
    """

    elementwise: bool = False
    inplace: bool = False
    backward_reads: frozenset[str] = frozenset({"bottom", "top"})
    shares_bottom: bool = False
    host_only: bool = False
    dynamic: bool = False


class Layer:
    """One layer of a net: its parameters, shapes, learned blobs and facts. It does no arithmetic.

    Subclasses set the class attributes and override `setup` and `reshape`.

    Attributes:
        bottoms: How many bottoms the type takes. Where parameters decide, an instance replaces it
            in `__init__`.
        tops: How many tops the type makes; likewise.
        equal_counts: The type makes one top for each bottom.
        auto_tops: Tops that the prototxt leaves out are made, without a name.
        is_loss: The first top counts in the objective with weight 1 unless ``loss_weight`` says
            otherwise.
        facts: What passes may assume. An instance may replace it in `setup`.
        param: The ``LayerParameter`` message.
        phase: What the net is built for.
        blobs: The learned parameters, in Caffe's order.
        param_propagate_down: For each learned blob, whether backward must add to its diff.
    """

    bottoms: Count = exactly(1)
    tops: Count = exactly(1)
    equal_counts: ClassVar[bool] = False
    auto_tops: ClassVar[bool] = False
    is_loss: ClassVar[bool] = False
    facts: Facts = Facts()

    def __init__(
        self, param: Any, phase: Phase = Phase.TEST, *, dtype: Any = np.float32, seed: Any = None
    ):
        self.param = param
        self.phase = phase
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.blobs: list[Blob] = []
        self.param_propagate_down: list[bool] = []
        self._seed = seed

    @property
    def name(self) -> str:
        """Name in the prototxt."""
        return str(self.param.name)

    @property
    def type(self) -> str:
        """Type in the prototxt."""
        return str(self.param.type)

    @property
    def positionwise(self) -> bool:
        """Whether all spatial positions are computed alike, each from the same one of the bottoms.

        Spatial axes are those from the third on. Elementwise layers that learn nothing are so.
        """
        return self.facts.elementwise and not self.blobs

    @property
    def movable_stride(self) -> Shape | None:
        """How far apart the positions of the bottom lie that neighbours of the top come from.

        A number for each spatial axis, which may be set: the top then has fewer positions, the same
        as before of every so manieth. None where that cannot be.
        """
        return None

    @property
    def samples_bottom(self) -> bool:
        """Whether nothing of the bottom is read but positions that lie a `movable_stride` apart."""
        return False

    @cached_property
    def rng(self) -> np.random.Generator:
        """Random numbers of this layer alone, seeded from the net's seed, kept in snapshots."""
        return np.random.default_rng(self._seed)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the parameters and create the learned blobs. Called once, before `reshape`."""

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops their shapes. Called again whenever a bottom's shape changes."""
        for below, above in zip(bottom, top, strict=True):
            above.reshape(below.shape)

    def allow_force_backward(self, bottom_index: int) -> bool:
        """Whether ``force_backward`` sends a gradient to this bottom; not so for labels."""
        return True

    def insists_on_backward(self, bottom_index: int) -> bool:
        """Whether this bottom gets a gradient even if nothing below learns; rarely so.

        It does whenever the layer runs backward, unless the prototxt has ``propagate_down``.
        """
        return False

    def multiply_adds(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> int:
        """Return how many multiplications by learned numbers a forward makes; for summaries."""
        return 0

    def add_blob(self, shape: Sequence[int], filler: Any = None) -> Blob:
        """Create the next learned blob and fill it as a ``FillerParameter`` says; zeros without."""
        blob = LearnedBlob(shape, self.dtype)
        if filler is not None:
            from caffe_core.fillers import fill

            fill(blob.data, filler, self.rng)
        self.blobs.append(blob)
        return blob

    def state(self) -> dict[str, Any]:
        """Return what a snapshot must hold beside the learned blobs: numbers, strings, arrays."""
        if "rng" in self.__dict__:
            return {"rng": self.rng.bit_generator.state}
        return {"rng_seed": self._seed}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        if "rng_seed" in state:
            self._seed = state["rng_seed"]
            self.__dict__.pop("rng", None)
        if "rng" in state:
            self.rng.bit_generator.state = state["rng"]

    def close(self) -> None:
        """Stop threads and close files. Called when the net is dropped."""

    def error(self, message: str) -> LayerError:
        """Return an error that begins with this layer's name and type, to be raised."""
        return LayerError(f"{self.name} ({self.type}): {message}")
