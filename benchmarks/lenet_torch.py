"""LeNet in PyTorch, in the modes that it is fastest in on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

VERSION = torch.__version__

MODES = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}

Iterations = dict[str, Callable[[], object]]


def training(images: Any, labels: Any, sgd: Mapping[str, float]) -> Iterations:
    return {
        name: _training(torch.from_numpy(images), torch.from_numpy(labels), sgd, memory_format)
        for name, memory_format in MODES.items()
    }


def inference(images: Any) -> Iterations:
    return {
        name: _inference(torch.from_numpy(images), memory_format)
        for name, memory_format in MODES.items()
    }


def _training(
    images: torch.Tensor,
    labels: torch.Tensor,
    sgd: Mapping[str, float],
    memory_format: torch.memory_format,
) -> Callable[[], object]:
    net, images = _net(memory_format), images.contiguous(memory_format=memory_format)
    biases = [each for name, each in net.named_parameters() if name.endswith("bias")]
    weights = [each for name, each in net.named_parameters() if name.endswith("weight")]
    doubled = {"params": biases, "lr": 2 * sgd["lr"]}
    optimizer = torch.optim.SGD([{"params": weights}, doubled], **sgd)

    def iteration() -> None:
        optimizer.zero_grad()
        cross_entropy(net(images), labels).backward()
        optimizer.step()

    return iteration


def _inference(images: torch.Tensor, memory_format: torch.memory_format) -> Callable[[], object]:
    net, images = _net(memory_format).eval(), images.contiguous(memory_format=memory_format)

    @torch.inference_mode()
    def iteration() -> torch.Tensor:
        return torch.softmax(net(images), 1)

    return iteration


def _net(memory_format: torch.memory_format) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 20, 5),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(800, 500),
        nn.ReLU(inplace=True),
        nn.Linear(500, 10),
    )
    return net.to(memory_format=memory_format)
