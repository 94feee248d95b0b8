"""PyTorch: eager or compiled, contiguous or channels-last, training with the fused SGD."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import torch

from benchmarks.agreement import sample
from benchmarks.contenders import Results
from benchmarks.contenders.steps import read_steps
from benchmarks.contenders.torch_net import TorchNet
from benchmarks.task import SGD, Task


def prepare(
    task: Task, weights: Path, threads: int, *, channels_last: bool = False, compiled: bool = False
) -> Training | Inference:
    """Translate the net. It is compiled by the first run, if at all; for inference, frozen too."""
    torch.set_num_threads(threads)
    steps = read_steps(weights, task.training)
    net = TorchNet(steps)
    inputs = [
        torch.from_numpy(each).long() if name == "label" else torch.from_numpy(each)
        for name, each in task.inputs(steps.inputs).items()
    ]
    if channels_last:
        net = net.to(memory_format=torch.channels_last)
        inputs = [
            each.contiguous(memory_format=torch.channels_last) if each.ndim == 4 else each
            for each in inputs
        ]
    if task.training:
        return Training(net.train(), inputs, compiled)
    return Inference(net.eval(), inputs, compiled, next(iter(steps.outputs)))


class Training:
    """Forward, backward and update."""

    def __init__(self, net: TorchNet, inputs: list[torch.Tensor], compiled: bool):
        self.net, self.inputs = net, inputs
        self.loss = torch.compile(net) if compiled else net
        groups = defaultdict(list)
        for each in net.learned:
            groups[each.param.lr_mult, each.param.decay_mult].append(each.tensor)
        self.optimizer = torch.optim.SGD(
            [
                {
                    "params": tensors,
                    "lr": SGD["base_lr"] * lr_mult,
                    "weight_decay": SGD["weight_decay"] * decay_mult,
                }
                for (lr_mult, decay_mult), tensors in groups.items()
            ],
            momentum=SGD["momentum"],
            fused=True,
        )

    def run(self) -> None:
        """Do one iteration."""
        self.optimizer.zero_grad()
        self.loss(*self.inputs).backward()
        self.optimizer.step()

    def described(self) -> str:
        """Return the version."""
        return f"PyTorch {torch.__version__}"

    def results(self) -> Results:
        """Return how far the learned blobs have come."""
        return {each.name: sample(each.now(), each.start) for each in self.net.learned}


class Inference:
    """Forward."""

    def __init__(self, net: TorchNet, inputs: list[torch.Tensor], compiled: bool, output: str):
        self.net, self.inputs, self.output = net, inputs, output
        if compiled:
            import torch._inductor.config

            torch._inductor.config.freezing = True
            self.net = torch.compile(net)

    def run(self) -> torch.Tensor:
        """Do one iteration. Freezing is only done where no gradient can be asked for."""
        with torch.no_grad():
            return self.net(*self.inputs)

    def described(self) -> str:
        """Return the version."""
        return f"PyTorch {torch.__version__}"

    def results(self) -> Results:
        """Return the output."""
        return {self.output: self.run().numpy()}
