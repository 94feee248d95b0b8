"""What is measured, and what it is to show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.contenders import PEERS
from benchmarks.nets import NETS
from benchmarks.task import Task

_TRAINED = {
    "lenet": 64,
    "cifar10_quick": 100,
    "caffenet": 16,
    "googlenet": 8,
    "vgg16": 4,
    "resnet50": 8,
    "squeezenet": 16,
    "mobilenet": 8,
    "lstm": 16,
}
_INFERRED = {
    "lenet": (64,),
    "cifar10_quick": (100,),
    "caffenet": (1, 10),
    "googlenet": (1, 8),
    "vgg16": (1,),
    "resnet50": (1, 8),
    "squeezenet": (1,),
    "mobilenet": (1,),
    "lstm": (16,),
}


def tasks(nets: Iterable[str], kinds: Iterable[str], batches: Sequence[int] = ()) -> list[Task]:
    """Return the tasks of some nets; batches take the place of those that each has."""
    found = []
    for net in nets:
        for kind in kinds:
            usual = (_TRAINED[net],) if kind == "training" else _INFERRED[net]
            found += [Task(net, kind == "training", batch) for batch in batches or usual]
    return found


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


_TORCH = tuple(name for name in PEERS if name.startswith("torch"))
_COMPILED = tuple(name for name in _TORCH if "compile" in name)

TARGETS = (
    Target(Task("lenet", True, 64), _TORCH, 0.70),
    Target(Task("caffenet", True, 16), _TORCH, 0.62),
    *(Target(Task(net, True, 8), _TORCH, 0.90) for net in ("googlenet", "resnet50")),
    *(Target(Task("caffenet", False, batch), _COMPILED, 0.65) for batch in (1, 10)),
    *(
        Target(Task(net, False, batch), (peer,), 1.0)
        for peer in ("openvino", "openvino-bf16")
        for net in ("resnet50", "googlenet")
        for batch in (1, 8)
    ),
    Target(Task("caffenet", False, 1), ("opencv",), 0.50),
)
LOADING_AT_MOST = 0.30

assert NETS.keys() == _TRAINED.keys() == _INFERRED.keys()
