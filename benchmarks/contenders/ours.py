"""This Caffe. It makes the weights that all others start from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agreement import sample
from benchmarks.contenders import Results, Runner
from benchmarks.task import SGD, Task
from caffe_core import Net, Phase, Solver
from caffe_core.proto import caffe_pb2
from caffe_core.proto.weights import read_weights

SEED = 0


def prepare(task: Task, weights: Path, threads: int, **options: Any) -> Ours:
    """Build a net or solver; write its weights, if that has not been done yet."""
    return Ours(task, weights, options)


class Ours(Runner):
    """A net, or a solver and its net."""

    def __init__(self, task: Task, weights: Path, options: dict[str, Any]):
        self.task = task
        self.net, self._iterate = build(task, {"memory_format": "auto", "seed": SEED, **options})
        shapes = {name: self.net.blobs[name].shape for name in self.net.inputs}
        for name, values in task.inputs(shapes).items():
            self.net.blobs[name].data[...] = values
        if weights.exists():
            self.net.copy_from(weights)
        else:
            _draw_statistics(self.net)
            self.net.save(weights)
        self.weights = weights

    def run(self) -> None:
        """Do one iteration."""
        self._iterate()

    def wait(self) -> None:
        """Wait for the GPU, if there is one."""
        self.net.device.synchronize()

    def described(self) -> str:
        """Return how many layers each engine computes."""
        counted = Counter(node.engine for node in self.net.nodes if node.bottom)
        return ", ".join(f"{engine} {count}" for engine, count in counted.most_common())

    def results(self) -> Results:
        """Return the outputs, or how far the learned blobs have come."""
        if not self.task.training:
            return {name: self.net.blobs[name].read() for name in self.net.outputs}
        start = read_weights(self.weights).layers
        return {
            f"{layer}[{index}]": sample(blob.read(), stored.data)
            for layer, blobs in self.net.params.items()
            for index, (blob, stored) in enumerate(zip(blobs, start[layer], strict=True))
            if self._learns(blob)
        }

    def _learns(self, blob: Any) -> bool:
        return any(each.blob is blob and each.lr_mult for each in self.net.learnable)


def build(task: Task, options: dict[str, Any]) -> tuple[Net, Callable[[], object]]:
    """Return a net, and what makes an iteration of it."""
    options = {"device": task.device, **options}
    if not task.training:
        net = Net(task.definition(), Phase.TEST, keep=(), **options)
        return net, net.forward
    solver = Solver(
        caffe_pb2.SolverParameter(
            train_net_param=task.definition(),
            lr_policy="fixed",
            **SGD,
        ),
        keep=(),
        **options,
    )
    return solver.net, lambda: solver.step(1)


def _draw_statistics(net: Net) -> None:
    """Give BatchNorm the statistics of some training: those it begins with are all 0."""
    rng = np.random.default_rng(SEED)
    for layer in net.layers.values():
        if layer.type == "BatchNorm":
            mean, variance, count = (blob.data for blob in layer.blobs)
            mean[...] = rng.normal(0, 0.1, mean.shape)
            variance[...] = rng.uniform(0.5, 1.5, variance.shape)
            count[...] = 1
