"""NeuronKernel: what it keeps when the top takes the bottom's place."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core import registry
from caffe_core.layer import Facts, Layer, Phase
from caffe_core.net import Net
from caffe_core.neuron import NeuronKernel

NET = """
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 3 dim: 4 }} }} }}
layer {{ name: "cube" type: "Cube" bottom: "x" top: "{top}" }}
"""


class Cube(Layer):
    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"bottom"}))


class CubeKernel(NeuronKernel):
    def activate(self, x, y):
        np.power(x, 3, out=y)

    def differentiate(self, x, y, dy, dx):
        factor = np.square(x, out=self.workspace.like(x))
        factor *= 3
        np.multiply(dy, factor, out=dx)


@pytest.fixture(autouse=True)
def cube():
    registry.layers.register("Cube", Cube)
    registry.kernels("cpu").register("Cube", CubeKernel)
    yield
    registry.layers.unregister("Cube")
    registry.kernels("cpu").unregister("Cube")


def run(top, force_backward=True, **options):
    header = f"force_backward: {str(force_backward).lower()}"
    net = Net(header + NET.format(top=top), Phase.TRAIN, **options)
    net.blobs["x"].data[...] = np.linspace(-2, 2, 24).reshape(2, 3, 4)
    net.forward()
    return net


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_gradients_in_place_are_those_of_the_lost_bottom(memory_format):
    net = run("x", memory_format=memory_format)
    net.blobs["x"].diff[...] = 2
    net.backward()
    x = np.linspace(-2, 2, 24).reshape(2, 3, 4)
    np.testing.assert_allclose(net.blobs["x"].data, x**3, rtol=1e-6)
    np.testing.assert_allclose(net.blobs["x"].diff, 6 * x**2, rtol=1e-6)


@pytest.mark.parametrize(("top", "force_backward"), [("y", True), ("x", False)])
def test_nothing_is_kept_without_need(top, force_backward):
    net = run(top, force_backward)
    (kernel,) = [node.kernel for node in net.nodes if node.name == "cube"]
    assert np.shares_memory(kernel.input([net.blobs["x"]]), net.blobs["x"].data)


def test_affine_makes_no_copy_where_nothing_changes():
    kernel = CubeKernel(Cube(None))
    x, out = np.array([1.0, 2.0]), np.zeros(2)
    assert kernel.affine(x, 1, 0, out) is x
    assert kernel.affine(x, 2, 0, out) is out
    assert out.tolist() == [2, 4]
    assert kernel.affine(x, 1, 3, out).tolist() == [4, 5]


@pytest.mark.parametrize("method", ["activate", "differentiate"])
def test_a_kernel_without_its_function_says_which(method):
    arguments = [np.zeros(1)] * (2 if method == "activate" else 4)
    with pytest.raises(NotImplementedError, match=f"NeuronKernel has no {method}"):
        getattr(NeuronKernel(Cube(None)), method)(*arguments)
