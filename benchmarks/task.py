"""Task: what all contenders are given to do, with the same definition, weights and inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.nets import NETS, path
from caffe_core.proto.files import load_net

SGD = {"base_lr": 0.001, "momentum": 0.9, "weight_decay": 0.0005}


@dataclass(frozen=True)
class Task:
    """An iteration of training, or an inference, that is to be timed.

    Attributes:
        net: Name of a net in `benchmarks.nets`.
        training: Whether an iteration is forward, backward and update; else it is forward.
        batch: Items in a batch.
        dropout: Whether anything is dropped. It must not be where results are compared.
        device: Where it is done: ``cpu`` or ``cuda``. On a GPU, factors may be rounded to TF32.
    """

    net: str
    training: bool
    batch: int
    dropout: bool = True
    device: str = "cpu"

    @property
    def kind(self) -> str:
        """What an iteration is, in a word."""
        return "training" if self.training else "inference"

    def __str__(self) -> str:
        where = "" if self.device == "cpu" else f", {self.device}"
        return f"{self.net} {self.kind}, batch {self.batch}{where}"

    def definition(self) -> Any:
        """Return the ``NetParameter``."""
        param = load_net(path(self.net))
        for layer in param.layer:
            for shape in layer.input_param.shape:
                shape.dim[NETS[self.net].batch_axis] = self.batch
            if layer.type == "Dropout" and not self.dropout:
                layer.dropout_param.dropout_ratio = 0
        return param

    def drops(self) -> bool:
        """Whether results are random."""
        return (
            self.dropout
            and self.training
            and any(layer.type == "Dropout" for layer in self.definition().layer)
        )

    def inputs(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
        """Return what the net's inputs are to hold, the same each time.

        Labels are drawn evenly, ``cont`` says that each sequence begins with the first step, and
        everything else is gaussian.
        """
        rng = np.random.default_rng(1701)
        found = {}
        for name, shape in shapes.items():
            if name == "label":
                values = rng.integers(NETS[self.net].classes, size=shape)
            elif name == "cont":
                values = np.broadcast_to(np.arange(shape[0])[:, None] > 0, shape)
            else:
                values = rng.standard_normal(shape)
            found[name] = values.astype(np.float32)
        return found
