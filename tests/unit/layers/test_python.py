"""Python: how the user's class is found, what it is given, and how its errors are told."""

from __future__ import annotations

import sys
import traceback

import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net
from caffe_core.tensor import moves
from caffe_core.testing.emulation import compiler

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


@pytest.fixture
def emulated():
    if compiler() is None:
        pytest.skip("needs g++")
    return "emulated"


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


ON_DEVICE = """
import numpy as np

class Mine:
    on_device = {on_device}

    def setup(self, bottom, top):
        self.blobs.add_blob(3)
        self.blobs[0].data[...] = [1, 2, 3]
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top):
        self.seen = bottom[0].data, self.blobs[0].data
        top[0].data[...] = self.xp.maximum(bottom[0].data, 0) * self.blobs[0].data
    def backward(self, top, propagate_down, bottom):
        x, dy = bottom[0].data, top[0].diff
        self.blobs[0].diff[...] += (dy * self.xp.maximum(x, 0)).sum(axis=0)
        bottom[0].diff[...] = dy * (x > 0) * self.blobs[0].data
"""
AROUND = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 3 }} }} }}
layer {{ name: "before" type: "InnerProduct" bottom: "x" top: "before"
  inner_product_param {{ num_output: 3 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "mine" type: "Python" bottom: "before" top: "mine"
  python_param {{ module: "{module}" layer: "Mine" }} }}
layer {{ name: "after" type: "ReLU" bottom: "mine" top: "after" }}
"""


def run_around(name, device):
    net = Net(AROUND.format(module=name), Phase.TRAIN, seed=1, device=device)
    net.blobs["x"].data[...] = [[1, 2, 3], [4, 5, 6]]
    net.blobs["after"].diff[...] = 1
    for _ in range(2):
        before = moves.total
        net.clear_param_diffs()
        net.forward()
        net.backward()
    return net, moves.total - before


@pytest.mark.parametrize("on_device", [False, True])
def test_on_a_device_a_class_may_ask_for_the_device_s_arrays(module, emulated, on_device):
    name = module(ON_DEVICE.format(on_device=on_device))
    here, _ = run_around(name, "cpu")
    there, moved = run_around(name, emulated)
    assert (moved == 0) == on_device
    for expected, found in (
        (here.blobs["after"].data, there.blobs["after"].data),
        (here.blobs["x"].diff, there.blobs["x"].diff),
        (here.params["mine"][0].diff, there.params["mine"][0].diff),
    ):
        assert expected.any()
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    data, blob = user(there).seen
    assert np.shares_memory(np.asarray(data), there.blobs["before"].data) != on_device
    assert np.shares_memory(np.asarray(blob), there.params["mine"][0].data) != on_device
    assert user(there).blobs is there.layers["mine"].blobs  # who looks from outside has NumPy's


def test_a_class_on_a_device_may_change_its_shapes(module, emulated):
    source = ON_DEVICE.format(on_device=True)
    reshaping = source.replace("top[0].data[...] =", "top[0].reshape(1, 2, 3); top[0].data[0] =")
    name = module(reshaping)
    net = Net(AROUND.format(module=name), Phase.TEST, seed=1, device=emulated)
    net.forward()
    assert net.blobs["after"].shape == (1, 2, 3)


def test_errors_on_a_device_leave_the_object_as_it_was(module, emulated):
    name = module(ON_DEVICE.format(on_device=True).replace("self.xp.maximum", "self.xp.most"))
    net = Net(AROUND.format(module=name), Phase.TEST, seed=1, device=emulated)
    with pytest.raises(LayerError, match=r"mine \(Python\): Mine\.forward raised AttributeError"):
        net.forward()
    assert user(net).blobs is net.layers["mine"].blobs
