"""What the guides tell to write works as it stands there."""

from __future__ import annotations

import re
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from caffe_core import Net, Phase, registry
from caffe_core.testing import Case, contract
from caffe_core.testing.emulation import compiler

CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
GAIN_CASES = """
CASES = [
    Case("scale_param { filler { type: 'gaussian' } }", bottom=[(2, 3, 4, 5)]),
    Case(bottom=[(4, 3)]),
]
"""


@pytest.fixture
def module(root, monkeypatch):
    """A function that runs the given Python blocks of a guide as a module."""

    def make(name, page, *numbers, more=""):
        blocks = CODE.findall((root / "docs" / page).read_text())
        made = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, made)
        exec("\n\n".join([*(blocks[number] for number in numbers), more]), vars(made))
        return made

    return make


def test_the_layers_of_the_guide_keep_to_the_contract(module):
    softsign = module("guide_softsign", "write-a-layer.md", 0, 1, 2)
    assert contract.verify(softsign.Softsign, kernels=[softsign.SoftsignKernel]) == 6
    gain = module("guide_gain", "write-a-layer.md", 0, 3, more=GAIN_CASES)
    assert contract.verify(gain.Gain, kernels=[gain.GainKernel]) == 6


@pytest.mark.skipif(compiler() is None, reason="needs g++")
def test_the_cuda_kernels_of_the_guide_keep_to_the_contract(module):
    layers = module("guide_layers", "write-a-layer.md", 0, 1, 2, 3)
    cuda = module("guide_cuda", "write-a-cuda-kernel.md", 0, 1)
    gains = [Case("scale_param { filler { type: 'gaussian' } }", bottom=[(2, 3, 4, 5)])]
    for name, cases, count in (("Softsign", [Case()], 4), ("Gain", gains, 4)):
        kernel = getattr(cuda, f"{name}Kernel")
        plain = getattr(layers, f"{name}Kernel")
        options = {"kernels": [kernel], "plain": plain, "cases": cases, "device": "emulated"}
        assert contract.verify(getattr(layers, name), **options) == count


def test_the_update_rule_of_the_guide_is_that_of_the_solver(module):
    rule = module("guide_rule", "write-a-cuda-kernel.md", 2).SGD
    installed = registry.solver_kernels("cuda")["SGD"]
    assert rule.source.text == installed.source.text


def test_the_solver_of_the_guide_passes_the_test_of_the_guide(module):
    module("caffe_solver_lion", "write-a-solver.md", 0)
    module("guide_lion_test", "write-a-solver.md", 1).test_two_steps()


def test_the_data_layer_of_the_guide_reads_its_arrays(module, tmp_path):
    guide = module("guide_numpy_data", "write-a-data-source.md", 0)
    images = np.arange(20, dtype=np.uint8).reshape(5, 1, 2, 2)
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "labels.npy", np.arange(5))
    kernels = registry.kernels("cpu")
    registry.layers.register("NumpyData", guide.NumpyData)
    kernels.register("NumpyData", guide.NumpyDataKernel)
    try:
        text = (
            'layer { name: "data" type: "NumpyData" top: "data" top: "label" '
            f'data_param {{ source: "{tmp_path}" batch_size: 3 }} }}'
        )
        with Net(text, Phase.TRAIN) as net:
            for rows in ([0, 1, 2], [3, 4, 0]):
                net.forward()
                assert net.blobs["label"].data.tolist() == rows
                np.testing.assert_array_equal(net.blobs["data"].data, images[rows])
    finally:
        registry.layers.unregister("NumpyData")
        kernels.unregister("NumpyData")


def test_the_listener_of_the_guide_stops_training(module):
    watcher = module("guide_early_stopping", "hooks.md", 0).EarlyStopping(patience=2)
    asked = []
    solver = SimpleNamespace(request=asked.append)
    for index, loss in ((0, 3.0), (1, 9.0), (0, 2.0), (0, 2.5)):
        watcher.on_test_end(solver, index, {"loss": loss})
    assert asked == []
    watcher.on_test_end(solver, 0, {"loss": 2.0})
    assert asked == ["stop"]


def test_the_gradient_check_of_the_guide_passes(module):
    module("guide_gradient", "testing.md", 1)
