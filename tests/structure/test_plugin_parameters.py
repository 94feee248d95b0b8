"""docs/plugin-parameters.md: its layer keeps to the contract, its net runs, its errors are real."""

from __future__ import annotations

import re
import sys
import types

import numpy as np
import pytest

from caffe_core import Net, registry
from caffe_core.errors import CaffeError
from caffe_core.proto import caffe_pb2, text
from caffe_core.testing import contract

DATA = 'layer { name: "ip1" type: "Input" top: "ip1" input_param { shape { dim: 2 dim: 3 } } }'


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs" / "plugin-parameters.md").read_text()


@pytest.fixture(scope="module")
def example(page):
    """The line of prototxt at the top."""
    return re.search(r"^```\n(layer .*)\n```", page, re.MULTILINE)[1]


@pytest.fixture(scope="module")
def codes(page):
    return re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


@pytest.fixture
def softsign(codes):
    """The page's layer, as if installed."""
    module = sys.modules["softsign_of_the_page"] = types.ModuleType("softsign_of_the_page")
    exec(codes[0], vars(module))
    registry.layers.register("Softsign", module.Softsign)
    registry.kernels("cpu").register("Softsign", module.SoftsignKernel)
    yield module
    registry.layers.unregister("Softsign")
    registry.kernels("cpu").unregister("Softsign")
    del sys.modules["softsign_of_the_page"]


def test_the_layer_keeps_to_the_contract(softsign):
    assert contract.verify(softsign.Softsign, kernels=[softsign.SoftsignKernel]) == 6


def test_the_net_runs(softsign, example):
    net = Net(DATA + example)
    net.blobs["ip1"].data[...] = 0.5
    net.forward()
    np.testing.assert_allclose(net.blobs["ip1"].data, 0.5)
    with pytest.raises(CaffeError, match=r"^squash \(Softsign\): width is -1; expected a positive"):
        Net(DATA + example.replace("0.5", "-1"))


def test_it_is_filled_from_python(softsign, codes, capsys):
    exec(codes[1], {})
    shown = capsys.readouterr().out
    assert shown == 'name: "squash"\ntype: "Softsign"\nsoftsign_param {\n  width: 0.5\n}\n\n'


def mistakes(page):
    block = re.search(r"^```\n(net\.prototxt:.*?)^```", page, re.DOTALL | re.MULTILINE)[1]
    return re.sub(r"\n  ", " ", block).splitlines()


def told(source):
    with pytest.raises(CaffeError) as caught:
        Net(text.parse(source, caffe_pb2.NetParameter, "net.prototxt"))
    return str(caught.value)


def test_mistakes_are_told_as_the_page_says(softsign, page, example):
    misspelt, beside, _, elsewhere = mistakes(page)
    assert told(example.replace("width", "widht")) == misspelt
    assert told(example.replace("softsign_param { width: 0.5 }", "width: 0.5")) == beside
    other = example.replace("Softsign", "ReLU").replace("squash", "relu1")
    assert told(DATA + other) == elsewhere


def test_a_missing_plugin_is_told_as_the_page_says(page, example):
    """With another name, since other tests have made the page's known."""
    names = str.maketrans({"S": "F", "s": "f"})
    missing = re.sub("(?i)softsign", lambda found: found[0].translate(names), mistakes(page)[2])
    found = told(re.sub("(?i)softsign", lambda found: found[0].translate(names), example))
    assert re.sub(r"\d+ are", "", found) == re.sub(r"\d+ are", "", missing)
