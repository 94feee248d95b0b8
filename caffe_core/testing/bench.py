"""Bench: one layer set up on one kernel outside of any net, with everything it reads filled."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_core.blob import CONTIGUOUS, Blob
from caffe_core.device import Device
from caffe_core.errors import CaffeError
from caffe_core.kernel import Kernel, Workspace
from caffe_core.layer import Phase
from caffe_core.proto import caffe_pb2, text
from caffe_core.tensor import Tensor
from caffe_core.testing.case import Input
from caffe_core.testing.draw import draw
from caffe_core.testing.setting import Setting

SEED = 1701


class RefusalError(CaffeError):
    """The kernel does not take the layer: there is nothing to test."""


@dataclass(frozen=True)
class Diffs:
    """What one backward left behind: a copy of each bottom's and each learned blob's diff."""

    bottom: list[Any]
    blobs: list[Any]

    def named(self) -> dict[str, Any]:
        """Return the arrays by what messages call them."""
        named = {f"diff of bottom {index}": diff for index, diff in enumerate(self.bottom)}
        return named | {f"diff of learned blob {index}": d for index, d in enumerate(self.blobs)}


class Bench:
    """One layer on one kernel. What its blobs hold depends on the setting and the seed alone.

    `forward` starts from the same state each time: bottoms, learned blobs, statistics and random
    numbers are put back first. So it is a function, even for Dropout.

    Args:
        setting: What to set up.
        seed: Source of every number.
        in_place: Let the tops be the bottoms.
        frozen: Learned blobs that get no gradient.
        need_backward: Whether the kernel is told that backward will run.

    Attributes:
        layer: The layer, set up and shaped.
        kernel: The kernel, prepared.
        bottom: The bottoms.
        top: The tops.
        bottom_values: What each bottom holds when forward begins; may be written to.
        blob_values: What each learned blob holds when forward begins; may be written to.

    Raises:
        RefusalError: The kernel does not take the layer.
        LayerError: The layer does not take the case.
    """

    def __init__(
        self,
        setting: Setting,
        *,
        seed: int = SEED,
        in_place: bool = False,
        frozen: Collection[int] = (),
        need_backward: bool = True,
    ):
        self.setting = setting
        self._in_place = in_place
        self._seed = seed
        self._inputs = setting.case.inputs()
        self.bottom = [Blob(each.shape, setting.dtype) for each in self._inputs]
        self.top = self._make_tops()
        self.bottom_values = self._draw_bottoms()
        self.layer = setting.layer(
            self._param(), Phase[setting.case.phase], dtype=setting.dtype, seed=seed
        )
        self._set_up()
        self.blob_values = self._draw_blobs()
        self._freeze(frozen)
        self.kernel = self._make_kernel()
        self.kernel.need_backward = need_backward
        self._set_format()
        self._shapes: list[tuple[int, ...]] | None = None
        self._prepare()
        self._start = self._initial_state()

    @property
    def device(self) -> Device:
        """Where the kernel runs."""
        return self.setting.device

    @property
    def has_backward(self) -> bool:
        """Whether the kernel computes any gradient."""
        return type(self.kernel).backward is not Kernel.backward

    @property
    def is_random(self) -> bool:
        """Whether forward draws random numbers; which ones may depend on dtype and format."""
        self.reset()
        before = self.layer.rng.bit_generator.state
        self.advance()
        return before != self.layer.rng.bit_generator.state

    @property
    def wanted(self) -> list[bool]:
        """For each bottom, whether it takes a gradient."""
        return [
            not each.integer and self.layer.allow_force_backward(index)
            for index, each in enumerate(self._inputs)
        ]

    @property
    def ignored_tops(self) -> set[int]:
        """Tops whose diff backward ignores."""
        rest = range(1, len(self.top)) if self.layer.is_loss else ()
        return {*self.setting.case.ignored_tops, *rest}

    def forward(self, poison: float = np.nan) -> list[Any]:
        """Run forward from the initial state; return a copy of each top's data.

        Args:
            poison: What the tops hold before.
        """
        self.reset()
        for top in self.top:
            if not self._is_read_by_forward(top.data_tensor):
                top.data.fill(poison)
        return self.advance()

    def advance(self) -> list[Any]:
        """Run forward from the present state; return a copy of each top's data."""
        if self.layer.facts.dynamic:
            self.layer.reshape(self.bottom, self.top)
            self._prepare()
        with self.device.active():
            self.kernel.forward(self.on_device(self.bottom), self.on_device(self.top))
        self._prepare()
        return [top.data.copy() for top in self.top]

    def backward(
        self,
        wanted: Sequence[bool] | None = None,
        *,
        poison: float = np.nan,
        start: float = 0.0,
    ) -> Diffs:
        """Run backward after a forward; return copies of the diffs.

        Args:
            wanted: Which bottoms get a gradient; None: those that take one.
            poison: What the diffs of the bottoms hold before.
            start: What the diffs of the learned blobs hold before.
        """
        self.set_diffs(poison=poison, start=start)
        with self.device.active():
            self.kernel.backward(
                self.on_device(self.top),
                list(self.wanted if wanted is None else wanted),
                self.on_device(self.bottom),
            )
        return Diffs(
            [blob.diff.copy() for blob in self.bottom],
            [blob.diff.copy() for blob in self.layer.blobs],
        )

    def set_diffs(self, *, poison: float = np.nan, start: float = 0.0) -> None:
        """Fill all diffs; those of the tops with the same random numbers each time."""
        for blob in self.bottom:
            blob.diff.fill(poison)
        for blob in self.layer.blobs:
            blob.diff.fill(start)
        for top, values in zip(self.top, self.top_diffs(), strict=True):
            top.diff[...] = values

    def top_diffs(self) -> list[Any]:
        """Return what the diffs of the tops are set to: one number for all of a loss."""
        rng = np.random.default_rng([self._seed, 2])
        shapes = [() if self.layer.is_loss else top.shape for top in self.top]
        draws = [draw(Input(shape), rng, self.setting.dtype) for shape in shapes]
        return [np.broadcast_to(d, top.shape) for d, top in zip(draws, self.top, strict=True)]

    def objective(self) -> float:
        """Run forward; return the sum of all tops, each element times its diff, in float64."""
        total = 0.0
        for index, (data, diff) in enumerate(zip(self.forward(), self.top_diffs(), strict=True)):
            if index not in self.ignored_tops:
                total += float(np.vdot(data.astype(np.float64), diff.astype(np.float64)))
        return total

    def reset(self) -> None:
        """Put back what forward starts from."""
        for blob, values in zip(self.bottom, self.bottom_values, strict=True):
            blob.data[...] = values
        for blob, values in zip(self.layer.blobs, self.blob_values, strict=True):
            blob.data[...] = values
        self.layer.restore(copy.deepcopy(self._start))

    def redraw(self, shapes: Sequence[Sequence[int]] | None = None, *, seed: int) -> None:
        """Give the bottoms other values and, if `shapes` is given, other shapes.

        Raises:
            LayerError: The layer does not take the shapes.
        """
        if shapes is not None:
            for blob, shape in zip(self.bottom, shapes, strict=True):
                blob.reshape(shape)
        self.bottom_values = self._draw_bottoms(seed)
        self.reset()
        if shapes is not None:
            self.layer.reshape(self.bottom, self.top)
            self._prepare()

    def disturb(self, blobs: Sequence[Blob], keep: Sequence[Blob]) -> None:
        """Give `blobs`, except for what `keep` shares, other data of the same kind."""
        kept = {id(blob.data_tensor) for blob in keep}
        rng = np.random.default_rng([self._seed, 3])
        for index, blob in enumerate(blobs):
            if id(blob.data_tensor) not in kept:
                spec = self._inputs[index] if blob in self.bottom else Input(blob.shape)
                blob.data[...] = draw(spec, rng, self.setting.dtype, blob.shape)

    def tensors(self) -> dict[str, tuple[Tensor, Blob]]:
        """Return every tensor there is, by what messages call it; one that is shared comes once."""
        named: dict[str, tuple[Tensor, Blob]] = {}
        seen: set[int] = set()
        groups = (("bottom", self.bottom), ("top", self.top), ("learned blob", self.layer.blobs))
        for noun, blobs in groups:
            for index, blob in enumerate(blobs):
                for kind in ("data", "diff"):
                    tensor = getattr(blob, f"{kind}_tensor")
                    if id(tensor) not in seen:
                        seen.add(id(tensor))
                        named[f"{kind} of {noun} {index}"] = (tensor, blob)
        return named

    def contents(self) -> dict[str, Any]:
        """Return a copy of every tensor's content."""
        return {
            name: blob.view(tensor.read()).copy() for name, (tensor, blob) in self.tensors().items()
        }

    def on_device(self, blobs: Sequence[Blob]) -> list[Blob]:
        """Return blobs as the kernel gets them."""
        return [blob.on(self.device) for blob in blobs]

    def close(self) -> None:
        """Stop what the layer has started."""
        self.layer.close()

    def _is_read_by_forward(self, tensor: Tensor) -> bool:
        others = (*self.bottom, *self.layer.blobs)
        return any(tensor is other.data_tensor for other in others)

    def _make_tops(self) -> list[Blob]:
        case = self.setting.case
        count = len(case.bottom) if self.setting.layer.equal_counts else case.tops
        if self._in_place:
            return self.bottom[:count]
        return [Blob((), self.setting.dtype) for _ in range(count)]

    def _param(self) -> Any:
        setting = self.setting
        bottoms = [f"bottom{index}" for index in range(len(self.bottom))]
        tops = [
            bottoms[index] if self._in_place else f"top{index}" for index in range(len(self.top))
        ]
        lines = [f'name: "layer" type: "{setting.type_name}"']
        lines += [f'bottom: "{name}"' for name in bottoms]
        lines += [f'top: "{name}"' for name in tops]
        where = f"case {setting.number} of {setting.type_name}"
        source = "\n".join([*lines, setting.case.params])
        return text.parse(source, caffe_pb2.LayerParameter, where)

    def _set_up(self) -> None:
        layer, inputs, tops = self.layer, len(self.bottom), len(self.top)
        if inputs not in layer.bottoms or tops not in layer.tops:
            raise layer.error(
                f"a case must have {layer.bottoms} bottoms and {layer.tops} tops, "
                f"case {self.setting.number} has {inputs} and {tops}"
            )
        for blob, values in zip(self.bottom, self.bottom_values, strict=True):
            blob.data[...] = values
        layer.setup(self.bottom, self.top)
        layer.reshape(self.bottom, self.top)
        if self.setting.case.ready is not None:
            self.setting.case.ready(layer)

    def _make_kernel(self) -> Kernel:
        bottom, top = self.on_device(self.bottom), self.on_device(self.top)
        reason = self.setting.kernel.refuses(self.layer, bottom, top)
        if reason is not None:
            raise RefusalError(f"{self.setting.kernel.__name__} refuses: {reason}")
        return self.setting.kernel(self.layer, self.device, Workspace(self.device))

    def _set_format(self) -> None:
        if self.setting.format is CONTIGUOUS:
            return
        if self.layer.facts.shares_bottom and self.top[0].shape != self.bottom[0].shape:
            raise RefusalError(
                "tops that view their bottom in another shape are contiguous in every net"
            )
        for blob in (*self.bottom, *self.top):
            blob.format = self.setting.format

    def _prepare(self) -> None:
        """Make the kernel ready, as a net does: only if a shape is not that of the last time."""
        shapes = [blob.shape for blob in (*self.bottom, *self.top)]
        if shapes == self._shapes:
            return
        self._shapes = shapes
        with self.device.active():
            self.kernel.prepare(self.on_device(self.bottom), self.on_device(self.top))

    def _initial_state(self) -> dict[str, Any]:
        _ = self.layer.rng  # part of the state once it is there
        return copy.deepcopy(self.layer.state())

    def _draw_bottoms(self, seed: int | None = None) -> list[Any]:
        rng = np.random.default_rng([self._seed if seed is None else seed, 0])
        return [
            draw(spec, rng, self.setting.dtype, blob.shape)
            for spec, blob in zip(self._inputs, self.bottom, strict=True)
        ]

    def _draw_blobs(self) -> list[Any]:
        """Values for what learns; statistics stay as the layer made them unless the case says."""
        rng = np.random.default_rng([self._seed, 1])
        given = self.setting.case.blob_inputs()
        values = []
        for index, blob in enumerate(self.layer.blobs):
            if index < len(given):
                values.append(draw(given[index], rng, self.setting.dtype))
            elif self._learns(index):
                values.append(draw(Input(blob.shape), rng, self.setting.dtype))
            else:
                values.append(blob.data.copy())
        return values

    def _freeze(self, frozen: Collection[int]) -> None:
        self.layer.param_propagate_down = [
            index not in frozen and self._learns(index) for index in range(len(self.layer.blobs))
        ]

    def _learns(self, index: int) -> bool:
        specs = self.layer.param.param
        return index >= len(specs) or bool(specs[index].lr_mult != 0)
