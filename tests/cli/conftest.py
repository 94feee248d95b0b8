from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from caffe_core.cli import main

NET = """
name: "tiny"
layer {
  name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param {
    shape { dim: 8 dim: 4 } shape { dim: 8 }
    data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 }
  }
}
layer {
  name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } }
}
layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
layer {
  name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy"
  include { phase: TEST }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""

SOLVER = """
net: "net.prototxt"
base_lr: 0.1 lr_policy: "inv" gamma: 0.01 power: 0.75 momentum: 0.9
max_iter: 40 display: 10 test_iter: 3 test_interval: 20 snapshot_prefix: "tiny"
random_seed: 1 solver_mode: CPU
"""

COMMAND = [sys.executable, "-m", "caffe_core.cli"]


@dataclass
class Result:
    status: int
    out: str
    log: str

    @property
    def messages(self) -> list[str]:
        """The lines of the log without what glog puts before them."""
        return [line.partition("] ")[2] or line for line in self.log.splitlines()]


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    """A working directory with a net and a solver that trains it."""
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def caffe(capsys):
    """Run the command line in this process."""

    def run(*argv: object) -> Result:
        status = main([str(word) for word in argv])
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return run


@pytest.fixture
def endless(workdir):
    """A solver whose training ends by a signal only."""
    text = SOLVER.replace("max_iter: 40", "max_iter: 1000000000").replace("test_iter: 3", "")
    path = workdir / "endless.prototxt"
    path.write_text(text.replace("test_interval: 20", ""))
    return path


@pytest.fixture
def spawn():
    """Start the command line in a process of its own."""
    children = []

    def start(*argv: object, **environment: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [*COMMAND, *map(str, argv)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


@pytest.fixture
def distribution(tmp_path):
    """Write a distribution that `PYTHONPATH` can name; returns its folder."""

    def write(name: str, entry_points: str, **modules: str) -> str:
        folder = tmp_path / f"site-{name}"
        info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)
        for module, text in modules.items():
            (folder / f"{module}.py").write_text(text)
        return str(folder)

    return write
