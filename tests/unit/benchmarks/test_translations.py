"""What peers are given computes the same as our net."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.agreement import RUNS, difference, tolerance
from benchmarks.contenders import CONTENDERS, Unavailable
from benchmarks.contenders.steps import read_steps
from benchmarks.task import Task

SMALL = ("lenet", "cifar10_quick", "lstm", "squeezenet")
TRANSLATED = [
    name
    for name, each in CONTENDERS.items()
    if each.needs and each.kinds and each.precision == "f32" and "compile" not in name
]


def results(name, task, weights):
    runner = CONTENDERS[name].prepare(task, weights, threads=2)
    for _ in range(RUNS):
        runner.run()
    return runner.results()


def compare(name, task, folder):
    contender = CONTENDERS[name]
    if contender.missing():
        pytest.skip(f"{' and '.join(contender.missing())} not installed")
    if task.kind not in contender.kinds:
        pytest.skip("does not train")
    weights = folder / "net.caffemodel"
    ours = results("caffe", task, weights)
    try:
        theirs = results(name, task, weights)
    except Unavailable as reason:
        pytest.skip(str(reason))
    assert difference(ours, theirs, task) < tolerance(task, "f32")


@pytest.mark.parametrize("name", ["caffe-numpy", *TRANSLATED])
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("net", SMALL)
def test_a_peer_agrees(name, training, net, tmp_path):
    compare(name, Task(net, training, batch=2, dropout=False), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRANSLATED)
@pytest.mark.parametrize("net", ["googlenet", "resnet50", "mobilenet"])
def test_a_peer_agrees_on_a_large_net(name, net, tmp_path):
    compare(name, Task(net, training=False, batch=1), tmp_path)


def test_weights_are_saved_once_and_then_read(tmp_path):
    task, weights = Task("lenet", training=True, batch=2), tmp_path / "net.caffemodel"
    first = results("caffe", task, weights)
    before = weights.read_bytes()
    again = results("caffe", task, weights)
    assert weights.read_bytes() == before
    for name, update in first.items():
        assert np.any(update), name
        np.testing.assert_array_equal(update, again[name])


def test_steps_are_free_of_what_only_caffe_has(tmp_path):
    task, weights = Task("mobilenet", training=False, batch=1), tmp_path / "net.caffemodel"
    CONTENDERS["caffe"].prepare(task, weights, threads=2)
    net = read_steps(weights, training=False)
    types = [step.layer.type for step in net.steps]
    assert set(types) == {"Convolution", "BatchNorm", "ReLU", "Pooling", "InnerProduct", "Softmax"}
    assert len({step.top for step in net.steps}) == len(types)
    assert all(step.scale for step in net.steps if step.layer.type == "BatchNorm")
    assert net.inputs == {"data": (1, 3, 224, 224)}
    assert net.outputs == {"prob": "prob"}
    known = {*net.inputs}
    for step in net.steps:
        assert known >= set(step.bottom)
        known.add(step.top)
