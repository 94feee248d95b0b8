"""What is measured, and what it is to show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.contenders import PEERS
from benchmarks.nets import NETS
from benchmarks.task import Task

_BATCHES: dict[tuple[str, str], dict[str, tuple[int, ...]]] = {
    ("cpu", "training"): {
        "lenet": (64,),
        "cifar10_quick": (100,),
        "caffenet": (16,),
        "googlenet": (8,),
        "vgg16": (4,),
        "resnet50": (8,),
        "squeezenet": (16,),
        "mobilenet": (8,),
        "lstm": (16,),
    },
    ("cpu", "inference"): {
        "lenet": (64,),
        "cifar10_quick": (100,),
        "caffenet": (1, 10),
        "googlenet": (1, 8),
        "vgg16": (1,),
        "resnet50": (1, 8),
        "squeezenet": (1,),
        "mobilenet": (1,),
        "lstm": (16,),
    },
    ("cuda", "training"): {
        "lenet": (64,),
        "cifar10_quick": (100,),
        "caffenet": (128,),
        "googlenet": (128,),
        "vgg16": (32,),
        "resnet50": (32,),
        "squeezenet": (64,),
        "mobilenet": (64,),
        "lstm": (64,),
    },
    ("cuda", "inference"): dict.fromkeys(NETS, (1,)),
}


def tasks(
    nets: Iterable[str], kinds: Iterable[str], batches: Sequence[int] = (), device: str = "cpu"
) -> list[Task]:
    """Return the tasks of some nets; batches take the place of those that each has."""
    return [
        Task(net, kind == "training", batch, device=device)
        for net in nets
        for kind in kinds
        for batch in batches or _BATCHES[device, kind][net]
    ]


@dataclass(frozen=True)
class Target:
    """What a task is to show.

    Attributes:
        task: The task.
        peers: The peers of whom the fastest counts.
        at_most: Our time divided by the peer's.
    """

    task: Task
    peers: tuple[str, ...]
    at_most: float


def _beside_torch(task: Task, at_most: float, modes: str = "torch") -> Target:
    """The fastest of PyTorch's modes counts that do such a task."""
    able = (name for name, each in PEERS.items() if name.startswith(modes) and each.does(task))
    return Target(task, tuple(able), at_most)


TARGETS = (
    _beside_torch(Task("lenet", True, 64), 0.70),
    _beside_torch(Task("caffenet", True, 16), 0.62),
    *(_beside_torch(Task(net, True, 8), 0.90) for net in ("googlenet", "resnet50")),
    *(_beside_torch(Task("caffenet", False, batch), 0.65, "torch-compile") for batch in (1, 10)),
    *(
        Target(Task(net, False, batch), (peer,), 1.0)
        for peer in ("openvino", "openvino-bf16")
        for net in ("resnet50", "googlenet")
        for batch in (1, 8)
    ),
    Target(Task("caffenet", False, 1), ("opencv",), 0.50),
    _beside_torch(Task("lenet", True, 64, device="cuda"), 0.60),
    *(_beside_torch(Task(net, True, 128, device="cuda"), 1.0) for net in ("caffenet", "googlenet")),
    *(_beside_torch(Task(net, False, 1, device="cuda"), 0.80) for net in NETS),
)
LOADING_AT_MOST = 0.30

assert all(NETS.keys() == batches.keys() for batches in _BATCHES.values())
