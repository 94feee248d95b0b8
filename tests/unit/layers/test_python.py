"""Python: how the user's class is found, what it is given, and how its errors are told."""

from __future__ import annotations

import sys
import traceback

import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 3 }} }} }}
layer {{ name: "mine" type: "Python" bottom: "x" top: "y"
  python_param {{ module: "{module}" layer: "{layer}" param_str: "{{'a': 1}}" }} }}
{more}
"""

IDENTITY = """
class {name}:
    def setup(self, bottom, top):
        self.calls = []
    def reshape(self, bottom, top):
        self.calls.append("reshape")
        top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top):
        self.calls.append("forward")
        top[0].data[...] = bottom[0].data
"""


@pytest.fixture
def module(tmp_path, monkeypatch, request):
    """Write a module into the working directory and return its name; all is undone afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    name = f"mine_{abs(hash(request.node.name))}"

    def write(source):
        (tmp_path / f"{name}.py").write_text(source)
        return name

    yield write
    sys.modules.pop(name, None)


def make(module, layer="Mine", more="", phase=Phase.TRAIN):
    net = Net(NET.format(module=module, layer=layer, more=more), phase, seed=1)
    net.blobs["x"].data[...] = [[1, 2, 3], [4, 5, 6]]
    return net


def user(net):
    return net.layers["mine"].user


def test_the_object_is_given_parameter_phase_and_blobs(module):
    name = module(
        "from caffe_layer_python import PythonLayer\n"
        + IDENTITY.format(name="Mine(PythonLayer)").replace(
            "self.calls = []", "self.calls = []; self.seen = self.param_str, self.phase"
        )
    )
    net = make(name, phase=Phase.TEST)
    assert user(net).seen == ("{'a': 1}", 1)
    assert user(net).param_str_ == user(net).param_str
    assert user(net).blobs is net.layers["mine"].blobs
    net.forward()
    np.testing.assert_array_equal(net.blobs["y"].data, net.blobs["x"].data)


def test_a_class_may_take_the_layer_parameter(module):
    source = IDENTITY.format(name="Mine") + (
        "    def __init__(self, param):\n        self.name = param.name\n"
    )
    assert user(make(module(source))).name == "mine"


def test_reshape_is_called_before_each_forward(module):
    net = make(module(IDENTITY.format(name="Mine")))
    user(net).calls.clear()
    net.forward()
    net.forward()
    assert user(net).calls[-4:] == ["reshape", "forward"] * 2


def test_later_layers_follow_when_forward_reshapes_a_top(module):
    source = IDENTITY.format(name="Mine") + (
        "        rows = bottom[0].data[bottom[0].data[:, 0] > 2]\n"
        "        top[0].reshape(*rows.shape)\n"
        "        top[0].data[...] = rows\n"
    )
    more = "layer { name: 'relu' type: 'ReLU' bottom: 'y' top: 'z' }"
    net = make(module(source), more=more)
    net.forward()
    assert net.blobs["z"].data.tolist() == [[4, 5, 6]]
    net.blobs["x"].data[...] = 7
    net.forward()
    assert net.blobs["z"].data.tolist() == [[7, 7, 7]] * 2


def test_learned_blobs_belong_to_the_net(module):
    source = IDENTITY.format(name="Mine").replace(
        "self.calls = []", "self.calls = []; self.blobs.add_blob(2, 3); self.blobs[0].data[...] = 5"
    )
    net = make(module(source))
    (blob,) = net.params["mine"]
    assert blob.shape == (2, 3)
    assert (user(net).blobs[0].data == 5).all()
    blob.data[...] = 6
    assert (user(net).blobs[0].data == 6).all()


def test_an_error_names_layer_method_and_line_and_keeps_its_traceback(module):
    source = IDENTITY.format(name="Mine") + "        helper()\ndef helper():\n    {}['gone']\n"
    net = make(module(source))
    message = r"^mine \(Python\): Mine.forward raised KeyError: 'gone' \(.*mine_\d+.py, line 13\)$"
    with pytest.raises(LayerError, match=message) as caught:
        net.forward()
    shown = "".join(traceback.format_exception(caught.value))
    assert "{}['gone']" in shown
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("method", ["setup", "reshape"])
def test_an_error_while_building_is_told_alike(module, method):
    source = IDENTITY.format(name="Mine").replace(
        f"def {method}(self, bottom, top):",
        f"def {method}(self, bottom, top): 1 / 0\n    def f(self):",
    )
    with pytest.raises(
        LayerError, match=rf"Mine.{method} raised ZeroDivisionError: division by zero"
    ):
        make(module(source))


def test_a_class_without_backward_is_told_when_a_gradient_is_needed(module):
    name = module(IDENTITY.format(name="Mine"))
    net = make(name, more="force_backward: true")
    with pytest.raises(LayerError, match="class Mine has no method 'backward'; add it, or set"):
        net.forward_backward()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("class Mein: pass", r"has no class 'Mine'; correct .* Did you mean 'Mein'\?"),
        ("class Mine:\n    setup = reshape = print", "class 'Mine' .* has no method forward; add"),
        ("print 'Python 2'", "does not import: SyntaxError: "),
        ("import no_such_package", "needs 'no_such_package'; install it"),
    ],
)
def test_a_module_that_does_not_fit(module, source, message):
    with pytest.raises(LayerError, match=r"^mine \(Python\): .*" + message):
        make(module(source))


def test_a_module_that_is_not_there(module):
    name = module("")
    message = rf"module '{name}s' is neither on sys.path nor in .* Did you mean '{name}'"
    with pytest.raises(LayerError, match=message):
        make(f"{name}s")


def test_module_and_class_must_be_given():
    with pytest.raises(
        LayerError, match="python_param must name a module and, as `layer`, a class"
    ):
        make("")
