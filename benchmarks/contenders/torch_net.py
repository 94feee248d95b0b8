"""A net of Caffe as a PyTorch module, with the same weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.contenders.steps import Steps
from benchmarks.contenders.torch_layers import Rows, translate
from caffe_core.proto import caffe_pb2


@dataclass
class Learned:
    """One learned blob, as Caffe and as PyTorch have it.

    Attributes:
        name: Layer and index: ``conv1[0]``.
        start: What Caffe's began with.
        tensor: PyTorch's.
        param: Its ``ParamSpec``.
        rows: Puts rows in the other's order, either way.
    """

    name: str
    start: np.ndarray
    tensor: Tensor
    param: Any
    rows: Rows

    def now(self) -> np.ndarray:
        """Return PyTorch's values in Caffe's order."""
        return self.rows(self.tensor.detach().cpu().numpy())


class TorchNet(nn.Module):
    """Runs the steps of a net. Called with its inputs, in their order.

    Returns the sum of the weighted losses while training, else the output.

    Attributes:
        learned: The learned blobs.
    """

    def __init__(self, net: Steps):
        super().__init__()
        self.learned: list[Learned] = []
        self.operations = nn.ModuleList(translate(step, self._learn) for step in net.steps)
        self._inputs = list(net.inputs)
        self._outputs = list(net.outputs.values())
        self._wiring = [(step.bottom, step.top) for step in net.steps]
        self._weights = {
            step.top: [*step.layer.loss_weight, 1.0][0]
            for step in net.steps
            if step.layer.type == "SoftmaxWithLoss"
        }

    def forward(self, *inputs: Tensor) -> Tensor:
        """Run."""
        values = dict(zip(self._inputs, inputs, strict=True))
        for (bottom, top), operation in zip(self._wiring, self.operations, strict=True):
            values[top] = operation(*[values[each] for each in bottom])
        if self._weights:
            return sum(values[top] * weight for top, weight in self._weights.items())
        return values[self._outputs[0]]

    @torch.no_grad()
    def _learn(
        self, layer: Any, blobs: list[np.ndarray], tensors: list[Tensor], rows: Rows = np.array
    ) -> None:
        """Give tensors the values of a layer's learned blobs."""
        for index, (blob, tensor) in enumerate(zip(blobs, tensors, strict=True)):
            tensor.copy_(torch.from_numpy(rows(blob)))
            param = layer.param[index] if index < len(layer.param) else caffe_pb2.ParamSpec()
            self.learned.append(Learned(f"{layer.name}[{index}]", blob, tensor, param, rows))
