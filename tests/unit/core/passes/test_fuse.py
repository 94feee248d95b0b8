from __future__ import annotations

import logging

import numpy as np
import pytest

from caffe_core import registry
from caffe_core.kernel import Kernel
from caffe_core.layer import Layer
from caffe_core.net import Net
from caffe_core.passes.fuse import fuse

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "add" type: "AddOne" bottom: "x" top: "y" }
layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
layer { name: "double" type: "Double" bottom: "y" top: "y" }
layer { name: "last" type: "Double" bottom: "y" top: "z" }
"""


class AddOne(Layer):
    pass


class AddOneKernel(Kernel):
    """Adds 1, then computes the ReLU that follows if it was offered one."""

    relu = False
    forwards = 0

    def absorb(self, layer):
        taken = layer.type == "ReLU" and not self.relu
        self.relu |= taken
        return taken

    def release(self):
        self.relu = False

    def forward(self, bottom, top):
        self.forwards += 1
        np.add(bottom[0].data, 1, out=top[0].data)
        if self.relu:
            np.maximum(top[0].data, 0, out=top[0].data)


@pytest.fixture
def net(plug):
    plug(registry.layers, "AddOne", AddOne)
    plug(registry.kernels("cpu"), "AddOne", AddOneKernel)
    plug(registry.passes, "fuse", fuse)
    built = Net(NET, engines=("caffe",))
    built.blobs["x"].data[...] = [[-3, -1, 1], [0, -2, 4]]
    return built


def node(net, name):
    return next(each for each in net.nodes if each.name == name)


def test_a_kernel_computes_what_follows_in_place(net):
    assert net.notes["fuse"] == ["add computes relu"]
    assert node(net, "relu").absorbed_by is node(net, "add")
    net.forward()
    np.testing.assert_array_equal(net.blobs["z"].data, [[0, 0, 8], [4, 0, 20]])


def test_what_is_no_longer_in_place_or_refused_runs_by_itself(net):
    assert node(net, "double").absorbed_by is None
    assert node(net, "last").absorbed_by is None


def test_without_the_pass_nothing_is_fused(net):
    plain = Net(NET, engines=("caffe",), passes=())
    plain.blobs["x"].data[...] = net.blobs["x"].data
    assert "fuse" not in plain.notes
    plain.forward(), net.forward()
    np.testing.assert_array_equal(plain.blobs["z"].data, net.blobs["z"].data)


def test_a_forward_that_stops_between_two_fused_layers_shows_what_caffe_would(net):
    net.forward(end="add")
    np.testing.assert_array_equal(net.blobs["y"].data, [[-2, 0, 2], [1, -1, 5]])
    net.forward(start="relu", end="relu")
    np.testing.assert_array_equal(net.blobs["y"].data, [[0, 0, 2], [1, 0, 5]])
    net.forward()
    np.testing.assert_array_equal(net.blobs["z"].data, [[0, 0, 8], [4, 0, 20]])


def test_a_forward_that_starts_between_computes_the_second(net):
    net.forward(end="relu")
    assert node(net, "relu").absorbed_by is node(net, "add")
    net.blobs["y"].data[...] = -1
    net.forward(start="relu")
    np.testing.assert_array_equal(net.blobs["z"].data, np.zeros((2, 3)))


def test_debug_info_shows_each_layer_by_itself(net, caplog):
    caplog.set_level(logging.INFO, logger="caffe")
    net.debug_info = True
    net.forward()
    lines = [record.getMessage() for record in caplog.records if "top blob y" in record.message]
    assert lines[0].endswith("Layer add, top blob y data: 1.83333")
    assert lines[1].endswith("Layer relu, top blob y data: 1.33333")
