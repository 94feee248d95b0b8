"""LeNet here and in PyTorch: milliseconds an iteration, and the ratio of the two.

The two take turns, a round of iterations each, so that whatever else the machine does hits both. A
ratio is the median over the rounds; below 1 Caffe is faster. See README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

import caffe_core
from caffe_core.proto import caffe_pb2
from caffe_core.proto.files import load_net

ROOT = Path(__file__).parents[1]
NET = ROOT / "examples/mnist/lenet_train_test.prototxt"
PAUSE = 0.1  # seconds: threads that the other side keeps spinning have gone to sleep then
SGD = {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.0005}

Iteration = Callable[[], object]


@dataclass
class Row:
    """What was measured of one task. Times are milliseconds an iteration, medians over rounds."""

    task: str
    batch: int
    caffe: float
    pytorch: float | None = None
    mode: str = ""
    ratio: float | None = None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10, help="turns that each side takes (10)")
    parser.add_argument("--iterations", type=int, default=20, help="iterations in a turn (20)")
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks/results/lenet.json")
    args = parser.parse_args()
    torch = import_torch()
    rows = [
        measure(
            "training", 64, caffe_training(64), torch and torch.training(*inputs(64), SGD), args
        ),
        *(
            measure(
                "inference", n, caffe_inference(n), torch and torch.inference(inputs(n)[0]), args
            )
            for n in (64, 1)
        ),
    ]
    print(table(rows))
    args.json.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine(torch), "rows": [asdict(row) for row in rows]}
    args.json.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written to {os.path.relpath(args.json)}")


def import_torch():
    """The other side, or None with a word about it."""
    try:
        import lenet_torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        print("PyTorch is not installed: Caffe is timed alone. For the ratios: pip install torch")
        return None
    return lenet_torch


def caffe_training(batch: int) -> Iteration:
    solver = caffe_core.Solver(
        caffe_pb2.SolverParameter(
            train_net_param=definition(batch, caffe_pb2.TRAIN),
            lr_policy="fixed",
            base_lr=SGD["lr"],
            momentum=SGD["momentum"],
            weight_decay=SGD["weight_decay"],
            solver_mode=caffe_pb2.SolverParameter.CPU,
        ),
        seed=0,
    )
    images, labels = inputs(batch)
    solver.net.blobs["data"].data[...] = images
    solver.net.blobs["label"].data[...] = labels
    return lambda: solver.step(1)


def caffe_inference(batch: int) -> Iteration:
    net = test_net(batch)
    net.blobs["data"].data[...] = inputs(batch)[0]
    return net.forward


def test_net(batch: int) -> caffe_core.Net:
    return caffe_core.Net(definition(batch, caffe_pb2.TEST), caffe_core.Phase.TEST, seed=0)


def definition(batch: int, phase: int):
    """LeNet of the examples, fed by hand; for TEST without accuracy and loss."""
    net = load_net(NET)
    body = [each for each in net.layer if each.type not in ("Data", "Accuracy")]
    del net.layer[:]
    shapes = {"data": (batch, 1, 28, 28), "label": (batch,)}
    for name, shape in shapes.items():
        layer = net.layer.add(name=name, type="Input", top=[name])
        layer.input_param.shape.add(dim=shape)
    net.layer.extend(body)
    if phase == caffe_pb2.TEST:
        net.layer[-1].type = "Softmax"
        del net.layer[-1].bottom[1:], net.layer[1]
    return net


def inputs(batch: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((batch, 1, 28, 28), np.float32), rng.integers(0, 10, batch)


def measure(task: str, batch: int, ours: Iteration, theirs, args: argparse.Namespace) -> Row:
    """Take turns; of PyTorch's modes the one with the best median counts."""
    sides = {"caffe": ours, **(theirs or {})}
    for iteration in sides.values():
        turn(iteration, args.iterations)
    times = {name: [] for name in sides}
    for _ in range(args.rounds):
        for name, iteration in sides.items():
            times[name].append(turn(iteration, args.iterations))
    medians = {name: statistics.median(values) for name, values in times.items()}
    row = Row(task, batch, medians.pop("caffe"))
    if medians:
        row.mode = min(medians, key=medians.__getitem__)
        row.pytorch = medians[row.mode]
        pairs = zip(times["caffe"], times[row.mode], strict=True)
        row.ratio = statistics.median(a / b for a, b in pairs)
    return row


def turn(iteration: Iteration, count: int) -> float:
    sleep(PAUSE)
    start = perf_counter()
    for _ in range(count):
        iteration()
    return (perf_counter() - start) / count * 1e3


def table(rows: list[Row]) -> str:
    lines = ["task       batch  Caffe ms  PyTorch ms  ratio  PyTorch's mode"]
    for row in rows:
        line = f"{row.task:<10} {row.batch:>5} {row.caffe:>9.3f}"
        if row.pytorch is not None:
            line += f" {row.pytorch:>11.3f} {row.ratio:>6.2f}  {row.mode}"
        lines.append(line)
    return "\n".join(lines)


def machine(torch) -> dict[str, object]:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "caffe": caffe_core.__version__,
        "engines": sorted({node.engine for node in test_net(1).nodes}),
        "pytorch": torch and torch.VERSION,
    }


if __name__ == "__main__":
    main()
