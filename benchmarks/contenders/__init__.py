"""Who takes part: this Caffe and its peers, each a way to run a definition with given weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.task import Task

Results = dict[str, np.ndarray]


class Unavailable(Exception):  # noqa: N818 - this is no error
    """This contender cannot do the task here; the message says why, in a few words."""


class Runner:
    """A task made ready by a contender."""

    def run(self) -> object:
        """Do one iteration, or ask a GPU to do it."""
        raise NotImplementedError

    def wait(self) -> None:
        """Wait until all that was asked for is done."""

    def described(self) -> str:
        """Return how it is done, in a few words: what can differ from one machine to the next."""
        raise NotImplementedError

    def results(self) -> Results:
        """Return what is to be compared.

        For inference: each output. For training: how far each learned blob is from the weights
        that were given, by layer and index: ``conv1[0]``.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Contender:
    """One way to run nets.

    Attributes:
        module: Module of this package that has it; its ``prepare`` returns a `Runner`.
        needs: Modules that must be installed.
        options: Arguments of ``prepare`` beside task, weights and threads.
        kinds: What it does on the CPU: training, inference, both or neither.
        on_cuda: What it does on a GPU.
        precision: Precision of what it computes: ``f32`` or ``bf16``.
    """

    module: str
    needs: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ("inference",)
    on_cuda: tuple[str, ...] = ()
    precision: str = "f32"

    def does(self, task: Task) -> bool:
        """Return whether it does such tasks at all."""
        return task.kind in (self.kinds if task.device == "cpu" else self.on_cuda)

    def missing(self) -> list[str]:
        """Return what it needs that is not installed."""
        return [name for name in self.needs if find_spec(name) is None]

    def prepare(self, task: Task, weights: Path, threads: int) -> Runner:
        """Make a task ready to run.

        Args:
            task: What is to be done.
            weights: A caffemodel to start from. This Caffe writes it, all others read it.
            threads: How many threads to use.

        Raises:
            Unavailable: It cannot.
        """
        prepare: Callable[..., Runner] = import_module(f"{__name__}.{self.module}").prepare
        return prepare(task, weights, threads, **self.options)


_BF16: Mapping[str, Any] = {"precision": "bf16"}
_LAST: Mapping[str, Any] = {"channels_last": True}
_COMPILED: Mapping[str, Any] = {"compiled": True}
_GRAPHS: Mapping[str, Any] = {"compiled": True, "graphs": True}
_TORCH, _VINO = ("torch",), ("openvino", "onnx")
_BOTH = ("training", "inference")

# PyTorch on the CPU chooses formats itself in a net that is frozen: it has no channels-last mode.
CONTENDERS = {
    "caffe": Contender("ours", (), {}, _BOTH, _BOTH),
    "caffe-bf16": Contender("ours", (), _BF16, _BOTH, precision="bf16"),
    "caffe-numpy": Contender("ours", (), {"engines": ("caffe",)}, _BOTH),
    "torch": Contender("pytorch", _TORCH, {}, _BOTH, _BOTH),
    "torch-nhwc": Contender("pytorch", _TORCH, _LAST, _BOTH, _BOTH),
    "torch-compile": Contender("pytorch", _TORCH, _COMPILED, _BOTH, _BOTH),
    "torch-compile-nhwc": Contender(
        "pytorch", _TORCH, {**_LAST, **_COMPILED}, ("training",), _BOTH
    ),
    "torch-graphs-nhwc": Contender("pytorch", _TORCH, {**_LAST, **_GRAPHS}, (), _BOTH),
    "onnxruntime": Contender("onnx_runtime", ("onnxruntime", "onnx")),
    "openvino": Contender("open_vino", _VINO),
    "openvino-bf16": Contender("open_vino", _VINO, _BF16, precision="bf16"),
    "opencv": Contender("opencv", ("cv2",)),
}

OURS = {"f32": "caffe", "bf16": "caffe-bf16"}
"""With whom peers of each precision are compared."""

PEERS = {name: each for name, each in CONTENDERS.items() if name not in OURS.values()}
