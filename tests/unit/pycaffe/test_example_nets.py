"""What the examples of NetSpec make is what people wrote by hand."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import caffe
import pytest

from caffe_core.proto.files import load_net

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "netspec"
WRITTEN = {
    "lenet": ROOT / "examples" / "mnist" / "lenet_train_test.prototxt",
    "cifar10_quick": ROOT / "benchmarks" / "nets" / "cifar10_quick.prototxt",
    "caffenet": ROOT / "benchmarks" / "nets" / "caffenet.prototxt",
    "googlenet": ROOT / "benchmarks" / "nets" / "googlenet.prototxt",
    "resnet50": ROOT / "benchmarks" / "nets" / "resnet50.prototxt",
    "fcn8s": Path(__file__).parent / "nets" / "fcn8s.prototxt",
}


def example(name):
    """What a script makes."""
    spec = importlib.util.spec_from_file_location(f"netspec_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)()


def test_each_example_is_compared():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(WRITTEN)


@pytest.mark.parametrize("name", WRITTEN)
def test_it_is_the_net_that_was_written_by_hand(name):
    made, written = example(name), load_net(WRITTEN[name])
    assert [layer.name for layer in made.layer] == [layer.name for layer in written.layer]
    for mine, other in zip(made.layer, written.layer, strict=True):
        assert mine == other


@pytest.mark.parametrize("name", WRITTEN)
def test_as_a_script_it_prints_the_whole_net(name):
    command = [sys.executable, str(EXAMPLES / f"{name}.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert load_net(done.stdout) == load_net(WRITTEN[name])


def test_resnet_50_takes_less_than_60_lines():
    assert len((EXAMPLES / "resnet50.py").read_text().splitlines()) < 60


def test_the_crops_of_fcn_fit_what_they_are_laid_upon():
    param = example("fcn8s")
    param.layer[0].input_param.shape[0].dim[:] = [1, 3, 40, 60]
    net = caffe.Net(param, caffe.TEST)
    for crop, target in (("score_pool4c", "upscore2"), ("score_pool3c", "upscore_pool4")):
        assert net.blobs[crop].shape == net.blobs[target].shape
    assert net.blobs["score"].shape == (1, 21, 40, 60)
