"""PyTorch: eager or compiled, contiguous or channels-last, training with the fused SGD."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from benchmarks.agreement import sample
from benchmarks.contenders import Results, Runner, Unavailable
from benchmarks.contenders.steps import read_steps
from benchmarks.contenders.torch_net import TorchNet
from benchmarks.task import SGD, Task

Compile = Callable[[TorchNet], Callable[..., torch.Tensor]]


def prepare(
    task: Task,
    weights: Path,
    threads: int,
    *,
    channels_last: bool = False,
    compiled: bool = False,
    graphs: bool = False,
) -> Training | Inference:
    """Translate the net. It is compiled by the first run, if at all; for inference, frozen too.

    With `graphs`, what is compiled is recorded as CUDA graphs.

    Raises:
        Unavailable: This PyTorch has no GPU to use.
    """
    if task.device == "cuda" and not torch.cuda.is_available():
        raise Unavailable("this PyTorch finds no GPU")
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    steps = read_steps(weights, task.training)
    net = TorchNet(steps).to(task.device)
    inputs = [
        (torch.from_numpy(each).long() if name == "label" else torch.from_numpy(each))
        for name, each in task.inputs(steps.inputs).items()
    ]
    if channels_last:
        net = net.to(memory_format=torch.channels_last)
        inputs = [
            each.contiguous(memory_format=torch.channels_last) if each.ndim == 4 else each
            for each in inputs
        ]
    inputs = [each.to(task.device) for each in inputs]
    compile_net = _compiler(graphs) if compiled else _as_it_is
    if task.training:
        return Training(net.train(), inputs, compile_net)
    return Inference(net.eval(), inputs, compile_net, next(iter(steps.outputs)))


def _as_it_is(net: TorchNet) -> Callable[..., torch.Tensor]:
    return net


def _compiler(graphs: bool) -> Compile:
    """Compile by Inductor. Freezing is only done where no gradient can be asked for."""
    import torch._inductor.config

    torch._inductor.config.freezing = True
    return partial(torch.compile, mode="reduce-overhead" if graphs else None)


class _Torch(Runner):
    """What training and inference have in common."""

    def wait(self) -> None:
        """Wait for the GPU, if there is one."""
        if self.inputs[0].is_cuda:
            torch.cuda.synchronize()

    def described(self) -> str:
        """Return the version."""
        return f"PyTorch {torch.__version__}"


class Training(_Torch):
    """Forward, backward and update."""

    def __init__(self, net: TorchNet, inputs: list[torch.Tensor], compile_net: Compile):
        self.net, self.inputs = net, inputs
        self.loss = compile_net(net)
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

    def results(self) -> Results:
        """Return how far the learned blobs have come."""
        return {each.name: sample(each.now(), each.start) for each in self.net.learned}


class Inference(_Torch):
    """Forward."""

    def __init__(
        self, net: TorchNet, inputs: list[torch.Tensor], compile_net: Compile, output: str
    ):
        self.net, self.inputs, self.output = compile_net(net), inputs, output

    def run(self) -> torch.Tensor:
        """Do one iteration."""
        with torch.no_grad():
            return self.net(*self.inputs)

    def results(self) -> Results:
        """Return the output."""
        return {self.output: self.run().cpu().numpy()}
