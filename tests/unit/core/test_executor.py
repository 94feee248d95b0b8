from __future__ import annotations

import threading

import numpy as np
import pytest

from caffe_core.blob import ANY_FORMAT, CONTIGUOUS, Blob
from caffe_core.errors import DataError, LayerError
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, Phase
from caffe_core.net import Net

NET = """
force_backward: true
layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "a" type: "Spied" bottom: "x" top: "y" }
layer { name: "loss" type: "Total" bottom: "y" top: "loss" loss_weight: 0.5 }
"""


class Same(Layer):
    """y = x, checked by the kernel `Spied`."""

    facts = Facts(backward_reads=frozenset())


class Spied(Kernel):
    """Writes down what it is prepared for, and uses the memory it then had, as engines do."""

    formats = ANY_FORMAT

    def __init__(self, *args):
        super().__init__(*args)
        self.prepared = []

    def prepare(self, bottom, top):
        self.prepared.append(bottom[0].shape)
        self.x, self.y = bottom[0].data, top[0].data

    def forward(self, bottom, top):
        assert np.shares_memory(bottom[0].data, self.x)
        assert np.shares_memory(top[0].data, self.y)
        self.y[...] = self.x

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff


@pytest.fixture(autouse=True)
def spied(plug_layer):
    plug_layer("Spied", Same, Spied)


def feed(net, *shape):
    net.blobs["x"].reshape(*shape)
    net.blobs["x"].data[...] = np.arange(np.prod(shape)).reshape(shape)


def test_a_net_follows_the_shape_of_its_input_there_and_back():
    net = Net(NET)
    for shape in [(2, 3), (5, 3), (2, 3), (1, 7), (5, 3)]:
        feed(net, *shape)
        assert net.forward_backward() == np.arange(np.prod(shape)).sum() / 2
        assert net.blobs["y"].shape == shape
        np.testing.assert_array_equal(net.blobs["y"].data, net.blobs["x"].data)
        np.testing.assert_array_equal(net.blobs["x"].diff, np.full(shape, 0.5))


def test_kernels_are_prepared_once_for_each_change():
    net = Net(NET)
    kernel = net.nodes[1].kernel
    for shape in [(2, 3), (2, 3), (4, 3), (4, 3), (2, 3)]:
        feed(net, *shape)
        net.forward()
        net.forward()
    assert kernel.prepared == [(2, 3), (4, 3), (2, 3)]


def test_reshape_prepares_without_running():
    net = Net(NET)
    feed(net, 4, 3)
    net.reshape()
    assert net.blobs["y"].shape == (4, 3)
    assert net.nodes[1].kernel.prepared == [(4, 3)]
    assert not net.blobs["y"].data.any()


def test_kernels_are_prepared_again_when_memory_moved_though_the_shape_is_the_same():
    net = Net(NET)
    net.forward()
    net.blobs["x"].reshape(50, 3)
    feed(net, 2, 3)
    net.forward()
    assert net.blobs["y"].data.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_the_diff_of_a_loss_survives_a_reshape_that_moves_its_memory():
    net = Net(NET)
    net.forward()
    net.blobs["loss"].reshape(9)
    net.blobs["loss"].reshape(())
    net.forward_backward()
    assert (net.blobs["x"].diff == 0.5).all()


def test_a_blob_reshaped_by_hand_is_where_a_partial_forward_starts():
    net = Net(NET)
    net.forward()
    net.blobs["y"].reshape(4)
    net.blobs["y"].data[...] = [1, 2, 3, 4]
    assert net.forward(start="loss") == 5
    assert net.blobs["y"].shape == (4,)
    feed(net, 2, 3)
    assert net.forward() == 7.5
    assert net.blobs["y"].shape == (2, 3)


def test_the_loss_is_weighted_and_summed_over_the_layers_that_ran():
    net = Net("""
        layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
        layer { name: "a" type: "Double" bottom: "x" top: "y" loss_weight: 3 }
        layer { name: "b" type: "Total" bottom: "y" top: "l" loss_weight: 0.5 }
    """)
    net.blobs["x"].data[...] = 1
    assert net.forward() == 3 * 12 + 0.5 * 12
    assert net.forward(end="y_a_0_split") == 3 * 12
    assert net.forward(start="b") == 0.5 * 12
    assert net.forward(end="a") == 0


def test_a_top_with_a_loss_weight_gets_it_as_the_gradient_of_each_element():
    net = Net("""
        force_backward: true
        layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
        layer { name: "a" type: "Double" bottom: "x" top: "y" loss_weight: 3 }
    """)
    net.forward_backward()
    assert (net.blobs["x"].diff == 6).all()


def test_numbers_may_overflow():
    net = Net(NET)
    net.blobs["x"].data[...] = np.finfo(np.float32).max
    assert net.forward() == np.inf
    net = Net(NET.replace("Total", "Double"))
    net.blobs["x"].data[...] = [[3e38] * 3, [-3e38] * 3]
    assert np.isnan(net.forward())


class Head(Layer):
    """The first rows of the bottom: as many as its first element says."""

    facts = Facts(dynamic=True, backward_reads=frozenset({"bottom"}))


class HeadKernel(Kernel):
    formats = (CONTIGUOUS,)

    def forward(self, bottom, top):
        rows = int(bottom[0].data.flat[0])
        top[0].reshape(rows, *bottom[0].shape[1:])
        top[0].data[...] = bottom[0].data[:rows]

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = 0
        bottom[0].diff[: len(top[0].diff)] = top[0].diff


DYNAMIC = """
force_backward: true
layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 4 %s } } }
layer { name: "h" type: "Head" bottom: "x" top: "h" }
layer { name: "a" type: "Spied" bottom: "h" top: "y" }
layer { name: "loss" type: "Total" bottom: "y" top: "loss" }
"""


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("shape", ["dim: 2", "dim: 2 dim: 3 dim: 2"])
def test_layers_may_change_the_shape_of_their_tops_at_every_forward(
    plug_layer, memory_format, shape
):
    plug_layer("Head", Head, HeadKernel)
    net = Net(DYNAMIC % shape, memory_format=memory_format)
    x = net.blobs["x"]
    for rows in (2, 2, 4, 1, 3):
        x.data[...] = rows
        assert net.forward() == rows * rows * x.span(1)
        assert net.blobs["y"].shape == (rows, *x.shape[1:])
        Blob((rows, 99))  # another blob of this process changes its shape
        net.backward()
        assert (x.diff[:rows] == 1).all()
        assert (x.diff[rows:] == 0).all()


def test_what_comes_after_a_dynamic_layer_is_prepared_only_when_its_shape_changes(plug_layer):
    plug_layer("Head", Head, HeadKernel)
    net = Net(DYNAMIC % "dim: 2")
    for rows in (2, 2, 3, 3):
        net.blobs["x"].data[...] = rows
        net.forward()
    prepared = net.nodes[2].kernel.prepared
    assert prepared[-1] == (3, 2)
    assert prepared.count((2, 2)) == prepared.count((3, 2)) == 1


class Broken(Spied):
    """Fails where the name of the layer says."""

    def prepare(self, bottom, top):
        super().prepare(bottom, top)
        self._fail("prepare")

    def forward(self, bottom, top):
        self._fail("forward")

    def backward(self, top, propagate_down, bottom):
        self._fail("backward")

    def _fail(self, doing):
        if self.layer.name == doing:
            raise IndexError("list index out of range")


@pytest.mark.parametrize("doing", ["prepare", "forward", "backward"])
def test_an_error_names_the_layer_and_what_it_did(plug_layer, doing):
    plug_layer("Broken", Same, Broken)
    net = Net(NET.replace("Spied", "Broken").replace('"a"', f'"{doing}"'))
    with pytest.raises(LayerError) as caught:
        net.forward_backward()
    assert str(caught.value) == f"{doing} (Broken): IndexError in {doing}: list index out of range"
    assert isinstance(caught.value.__cause__, IndexError)


def test_an_error_in_reshape_names_the_layer(plug_layer):
    class Square(Layer):
        def reshape(self, bottom, top):
            if bottom[0].shape != (2, 3):
                raise self.error(f"takes (2, 3) only, bottom 'x' is {bottom[0].shape}; change it")
            super().reshape(bottom, top)

    plug_layer("Square", Square, Spied)
    net = Net(NET.replace("Spied", "Square"))
    feed(net, 3, 2)
    for _ in range(2):
        with pytest.raises(LayerError, match=r"^a \(Square\): takes \(2, 3\) only, bottom 'x' is"):
            net.forward()
    feed(net, 2, 3)
    assert net.forward() == 7.5


@pytest.mark.parametrize(
    ("error", "type_", "message"),
    [
        (LayerError("a (Angry): no"), LayerError, "a (Angry): no"),
        (DataError("a (Angry): record 7 is cut off"), DataError, "a (Angry): record 7 is cut off"),
        (DataError("record 7 is cut off"), LayerError, "a (Angry): record 7 is cut off"),
    ],
)
def test_caffes_own_errors_get_the_layers_name_once(plug_layer, error, type_, message):
    class Angry(Spied):
        def forward(self, bottom, top):
            raise error

    plug_layer("Angry", Same, Angry)
    with pytest.raises(type_) as caught:
        Net(NET.replace("Spied", "Angry")).forward()
    assert str(caught.value) == message
    assert caught.value.__cause__ is not caught.value


def test_two_nets_run_in_two_threads():
    def run(rows, results):
        net = Net(NET, Phase.TEST)
        for step in range(100):
            feed(net, rows + step % 3, 3)
            results.append(net.forward() - np.arange(3 * (rows + step % 3)).sum() / 2)

    results = [[], []]
    threads = [threading.Thread(target=run, args=(2 + 5 * k, results[k])) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[0.0] * 100] * 2
