"""LeNet by the command line on a device, compared with the CPU."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from caffe_data_lmdb import LMDB

from caffe_core.device import device
from caffe_core.proto import caffe_pb2
from caffe_core.solver import Solver
from caffe_core.tensor import moves
from caffe_core.testing.emulation import EmulatedDevice, compiler

EXAMPLE = Path(__file__).parents[2] / "examples" / "mnist"
SOLVER = """
net: "lenet_train_test.prototxt" test_iter: 1 test_interval: 6 max_iter: 12 display: 2
base_lr: 0.01 lr_policy: "inv" gamma: 0.0001 power: 0.75 momentum: 0.9 weight_decay: 0.0005
snapshot_prefix: "lenet" random_seed: 1 solver_mode: CPU
"""
LOSS, ACCURACY = r"iters\), loss = (\S+)", r"accuracy = (\S+)"


@pytest.fixture
def gpu(monkeypatch):
    """Let GPU 0 be a device that runs on the CPU."""
    if compiler() is None:
        pytest.skip("needs g++")
    monkeypatch.setattr("caffe_core.cuda.device.CudaDevice", lambda index: EmulatedDevice())
    monkeypatch.setattr("caffe_core.cli.gpus.gpu_name", lambda index: "emulated")
    device.cache_clear()
    yield
    device.cache_clear()


@pytest.fixture
def lenet(tmp_path, monkeypatch):
    """A working directory with LeNet, its solver, and bright squares where there were digits."""
    for name in ("lenet_train_test.prototxt", "lenet.prototxt"):
        text = (EXAMPLE / name).read_text()
        (tmp_path / name).write_text(text.replace("examples/mnist/", "").replace("64", "32"))
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    rng = np.random.default_rng(1)
    for kind, count in (("train", 128), ("test", 100)):
        with LMDB.create(str(tmp_path / f"mnist_{kind}_lmdb")) as db:
            for index in range(count):
                image, label = rng.integers(0, 60, (28, 28), np.uint8), index % 10
                top, left = 14 * (label % 2), 5 * (label // 2)
                image[top : top + 12, left : left + 7] += 190
                datum = caffe_pb2.Datum(
                    channels=1, height=28, width=28, data=image.tobytes(), label=label
                )
                db.put(b"%05d" % index, datum.SerializeToString())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_lenet_learns_on_the_device_what_it_learns_on_the_cpu(caffe, lenet, gpu):
    here = caffe("train", "-solver", "solver.prototxt")
    there = caffe("train", "-solver", "solver.prototxt", "-gpu", 0)
    assert (here.status, there.status) == (0, 0)
    assert "Using GPUs 0" in there.messages
    losses, accuracies = numbers(LOSS, there), numbers(ACCURACY, there)
    assert len(losses) == 6
    assert losses == pytest.approx(numbers(LOSS, here), rel=2e-3)
    assert accuracies == pytest.approx(numbers(ACCURACY, here), abs=0.02)
    assert accuracies[-1] > 0.9


def test_lenet_is_tested_on_the_device(caffe, lenet, gpu):
    caffe("train", "-solver", "solver.prototxt", "-max_iter", 2)
    words = ["test", "-model", "lenet_train_test.prototxt", "-weights"]
    words += ["lenet_iter_2.caffemodel", "-iterations", 2]
    here, there = caffe(*words), caffe(*words, "-gpu", 0)
    assert (here.status, there.status) == (0, 0)
    assert "Use GPU with device ID 0" in there.messages
    found = numbers(r"\] (?:accuracy|loss) = (\S+)", there)
    assert len(found) == 2
    assert found == pytest.approx(numbers(r"\] (?:accuracy|loss) = (\S+)", here), rel=1e-4)


def test_an_iteration_of_lenet_moves_its_batch_in_and_its_loss_out(lenet, gpu):
    solver = Solver("solver.prototxt", device="cuda:0")
    solver.step(2)
    to_device, to_host = moves.to_device, moves.to_host
    solver.step(3)
    assert (moves.to_device - to_device, moves.to_host - to_host) == (3 * 2, 3)
    solver.close()


def numbers(pattern, run):
    return [float(number) for number in re.findall(pattern, run.log)]
