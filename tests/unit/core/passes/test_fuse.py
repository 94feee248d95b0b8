from __future__ import annotations

import logging

import numpy as np
import pytest

from caffe_core import registry
from caffe_core.errors import CaffeError
from caffe_core.kernel import Kernel
from caffe_core.layer import Layer
from caffe_core.net import Net
from caffe_core.passes.fuse import fold_channels, fuse_joins, fuse_neurons

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
    """Adds 1, then computes the sum and the ReLU that follow if it was offered them."""

    relu = joins = False
    forwards = 0

    def absorb(self, layer):
        taken = layer.type == "ReLU" and not self.relu
        self.relu |= taken
        return taken

    def absorb_join(self, layer, others):
        self.joins = layer.type == "Eltwise"
        return self.joins

    def release(self):
        self.relu = self.joins = False

    def forward(self, bottom, top):
        self.forwards += 1
        np.add(bottom[0].data, 1, out=top[0].data)
        for other in bottom[1:]:
            assert self.joins
            top[0].data[...] += other.data
        if self.relu:
            np.maximum(top[0].data, 0, out=top[0].data)


@pytest.fixture
def net(plug):
    plug(registry.layers, "AddOne", AddOne)
    plug(registry.kernels("cpu"), "AddOne", AddOneKernel)
    for each in (fold_channels, fuse_joins, fuse_neurons):
        plug(registry.passes, each.__name__, each)
    built = Net(NET, engines=("caffe",))
    built.blobs["x"].data[...] = [[-3, -1, 1], [0, -2, 4]]
    return built


def node(net, name):
    return next(each for each in net.nodes if each.name == name)


def test_a_kernel_computes_what_follows_in_place(net):
    assert net.notes["fuse_neurons"] == ["add computes relu"]
    assert node(net, "relu").absorbed_by is node(net, "add")
    net.forward()
    np.testing.assert_array_equal(net.blobs["z"].data, [[0, 0, 8], [4, 0, 20]])


JOIN = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "double" type: "Double" bottom: "x" top: "w" }
layer { name: "add" type: "AddOne" bottom: "x" top: "y" }
layer { name: "sum" type: "Eltwise" bottom: "y" bottom: "w" top: "s" }
layer { name: "relu" type: "ReLU" bottom: "s" top: "s" }
"""


def joined(**options):
    built = Net(JOIN, engines=("caffe",), **options)
    built.blobs["x"].data[...] = [[-3, -1, 1], [0, -2, 4]]
    return built


@pytest.mark.usefixtures("net")
class TestJoins:
    def test_the_last_writer_computes_the_sum_and_what_follows(self):
        net = joined(keep=())
        assert net.notes["fuse_joins"] == ["add computes sum"]
        assert net.notes["fuse_neurons"] == ["add computes relu"]
        for _ in range(2):
            net.forward()
            np.testing.assert_array_equal(net.blobs["s"].data, [[0, 0, 4], [1, 0, 13]])
        net.blobs["x"].reshape(1, 3)
        net.blobs["x"].data[...] = 1
        net.forward()
        np.testing.assert_array_equal(net.blobs["s"].data, [[4, 4, 4]])

    def test_its_own_top_is_not_kept(self):
        net = joined(keep=())
        with pytest.raises(CaffeError, match="data of blob 'y' was not kept"):
            _ = net.blobs["y"].data

    @pytest.mark.parametrize("keep", [None, ("y",)])
    def test_a_top_that_is_to_be_kept_is_written(self, keep):
        net = joined(keep=keep)
        assert net.notes["fuse_joins"] == []
        net.forward()
        np.testing.assert_array_equal(net.blobs["y"].data, [[-2, 0, 2], [1, -1, 5]])

    def test_a_forward_that_stops_before_the_sum_undoes_it(self):
        net = joined(keep=())
        net.forward(end="add")
        assert node(net, "add").joined is None
        net.forward()
        np.testing.assert_array_equal(net.blobs["s"].data, [[0, 0, 4], [1, 0, 13]])


def test_what_is_no_longer_in_place_or_refused_runs_by_itself(net):
    assert node(net, "double").absorbed_by is None
    assert node(net, "last").absorbed_by is None


def test_without_the_pass_nothing_is_fused(net):
    plain = Net(NET, engines=("caffe",), passes=())
    plain.blobs["x"].data[...] = net.blobs["x"].data
    assert "fuse_neurons" not in plain.notes
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
