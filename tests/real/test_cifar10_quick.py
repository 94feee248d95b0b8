"""A net of 2014, in the V1 format, with V1 weights and a state: read, upgraded, run and trained on.

The images are noise, since the original ones are not at hand; they are in a LevelDB and have a mean
file, as the definitions ask for.
"""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest
from caffe_data_leveldb import LevelDB

from caffe_core import Net, Phase
from caffe_core.cli import main
from caffe_core.data import mean
from caffe_core.proto import caffe_pb2
from caffe_core.proto.state import read_state
from caffe_core.proto.weights import read_weights
from caffe_core.solver import Solver

STATE = "examples/cifar10/cifar10_quick_iter_4000.solverstate"
SOLVER = "examples/cifar10/cifar10_quick_solver_lr1.prototxt"


@pytest.fixture(scope="module")
def folder(real, tmp_path_factory):
    """A working directory as Caffe's own: ``examples/cifar10`` with the files and two databases."""
    top = tmp_path_factory.mktemp("caffe")
    examples = top / "examples" / "cifar10"
    shutil.copytree(real("cifar10_quick_v1"), examples)
    rng = np.random.default_rng(1)
    for kind in ("train", "test"):
        with LevelDB.create(str(examples / f"cifar10_{kind}_leveldb")) as db:
            for index in range(200):
                image = rng.integers(0, 256, 3 * 32 * 32, np.uint8).tobytes()
                datum = caffe_pb2.Datum(
                    channels=3, height=32, width=32, data=image, label=index % 10
                )
                db.put(b"%05d" % index, datum.SerializeToString())
    mean.write(str(examples / "mean.binaryproto"), np.full((3, 32, 32), 128.0))
    solver = examples / "cifar10_quick_solver_lr1.prototxt"
    solver.write_text(solver.read_text().replace("test_iter: 100", "test_iter: 2"))
    train_test = examples / "cifar10_quick_train_test.prototxt"
    assert "layers {" in train_test.read_text()
    return top


@pytest.fixture(autouse=True)
def inside(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_deployed_it_gives_probabilities():
    net = Net(
        "examples/cifar10/cifar10_quick.prototxt",
        Phase.TEST,
        weights="examples/cifar10/cifar10_quick_iter_5000.caffemodel",
    )
    data = net.blobs["data"].data
    data[...] = np.random.default_rng(2).normal(0, 50, data.shape)
    net.forward()
    found = net.blobs["prob"].data
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert (found >= 0).all()
    assert np.ptp(found) > 0.1


def test_every_old_blob_fits_its_new_form():
    weights = read_weights("examples/cifar10/cifar10_quick_iter_5000.caffemodel")
    net = Net(
        "examples/cifar10/cifar10_quick_train_test.prototxt",
        Phase.TRAIN,
        weights="examples/cifar10/cifar10_quick_iter_5000.caffemodel",
    )
    assert len(net.params) == 5
    for name, blobs in net.params.items():
        for mine, stored in zip(blobs, weights.layers[name], strict=True):
            assert stored.legacy
            np.testing.assert_array_equal(mine.data.ravel(), stored.data.ravel())
    net.close()


def test_training_goes_on_from_its_state():
    solver = Solver(SOLVER, device="cpu", seed=1)
    solver.restore(STATE)
    assert solver.iteration == 4000
    before = solver.net.params["ip2"][0].data.copy()
    history = read_state(STATE).history
    assert len(history) == len(solver.net.learnable) == 10
    solver.step(2)
    assert solver.iteration == 4002
    assert math.isfinite(solver.smoothed_loss)
    after = solver.net.params["ip2"][0].data
    assert 0 < np.abs(after - before).max() < 1e-2  # 1e-4 is the rate, and the weights are trained
    assert {"accuracy", "loss"} <= solver.test(0).keys()


def test_upgraded_files_do_the_same(tmp_path):
    """All three files by the command; the new net with the new weights is the old one."""
    old = ["cifar10_quick.prototxt", "cifar10_quick_iter_5000.caffemodel"]
    for name in old:
        assert main(["upgrade", "net", f"examples/cifar10/{name}", str(tmp_path / name)]) == 0
    assert "layers" not in (tmp_path / old[0]).read_text()
    images = np.random.default_rng(2).normal(0, 50, (1, 3, 32, 32))
    found = []
    for place in ("examples/cifar10", tmp_path):
        net = Net(f"{place}/{old[0]}", Phase.TEST, weights=f"{place}/{old[1]}")
        net.blobs["data"].data[...] = images
        net.forward()
        found.append(net.blobs["prob"].data.copy())
    np.testing.assert_array_equal(*found)
