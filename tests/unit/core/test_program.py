"""Programs: what an executor leaves out of a forward pass, and what makes it put it back."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.net import Net

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }'


class Add(Layer):
    """y = x + 1."""

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset())


class Settling(Kernel):
    """Counts its forwards, and what is left of them."""

    def prepare(self, bottom, top):
        self.whole = self.short = 0
        self.fail = False
        self.tensors = [blob.data_tensor for blob in (*bottom, *top)]
        self.bottom, self.top = bottom[0], top[0]

    def forward(self, bottom, top):
        self.whole += 1
        self.compute()

    def compute(self):
        if self.fail:
            raise ValueError("no")
        np.add(self.bottom.data_tensor.read(), 1, out=self.top.data_tensor.overwrite())

    def settle(self, alarm):
        for tensor in self.tensors:
            tensor.ring_if_moved(alarm)
        return [self.again]

    def again(self):
        self.short += 1
        self.compute()


class Plain(Settling):
    """Has to make all of its forward each time."""

    def settle(self, alarm):
        return None


class Clearing(Plain):
    """Has its blobs moved as a part of forward."""

    def forward(self, bottom, top):
        super().forward(bottom, top)
        self.bottom.data_tensor.clear()


@pytest.fixture(autouse=True)
def plugged(plug_layer):
    for kernel in (Settling, Plain, Clearing):
        plug_layer(kernel.__name__, Add, kernel)


def chain(*types, before=""):
    names = ["x", *(f"y{index}" for index in range(len(types)))]
    layers = "".join(
        f'layer {{ name: "l{index}" type: "{type_}" bottom: "{names[index]}" '
        f'top: "{names[index + 1]}" }}'
        for index, type_ in enumerate(types)
    )
    return Net(before + INPUT + layers)


def passed(net, times=1):
    """Run it, check the result, and return how often each layer ran whole and short."""
    kernels = [node.kernel for node in net.nodes[1:]]
    for kernel in kernels:
        kernel.whole = kernel.short = 0
    for start in range(times):
        net.blobs["x"].data[...] = start
        net.forward()
        assert (net.blobs[f"y{len(kernels) - 1}"].read() == start + len(kernels)).all()
    return [(kernel.whole, kernel.short) for kernel in kernels]


def test_after_the_first_pass_only_what_computes_is_called():
    net = chain("Settling", "Plain", "Settling")
    assert passed(net) == [(1, 0)] * 3
    assert passed(net, 3) == [(0, 3), (3, 0), (0, 3)]


def test_a_pass_of_all_calls_is_made_when_something_has_changed():
    net = chain("Settling", "Settling")
    passed(net, 3)
    net.blobs["y0"].data_tensor.clear()
    assert passed(net) == [(1, 0)] * 2
    assert passed(net, 2) == [(0, 2)] * 2


def test_another_shape_makes_all_calls_again():
    net = chain("Settling", "Settling")
    passed(net, 3)
    net.blobs["x"].reshape(5, 3)
    assert passed(net) == [(1, 0)] * 2
    assert passed(net, 2) == [(0, 2)] * 2


def test_who_is_disturbed_by_every_pass_is_always_asked():
    net = chain("Settling", "Clearing", "Settling")
    passed(net, 4)
    assert passed(net, 3) == [(3, 0), (3, 0), (0, 3)]


def test_what_rings_within_a_pass_counts_for_the_layers_after_it():
    net = chain("Settling", "Plain", "Settling")
    passed(net, 3)
    second = net.nodes[2].kernel
    compute = second.compute

    def disturb():
        compute()
        net.blobs["y2"].data_tensor.clear()

    second.compute = disturb
    assert passed(net) == [(0, 1), (1, 0), (1, 0)]


def test_a_part_of_the_net_and_a_watched_net_make_all_calls():
    net = chain("Settling", "Settling")
    passed(net, 3)
    before = [node.kernel.whole for node in net.nodes[1:]]
    net.forward(start="l0")
    assert [node.kernel.whole - 1 for node in net.nodes[1:]] == before
    net.watch = lambda node, doing: None
    assert passed(net) == [(1, 0)] * 2
    net.watch = None
    assert passed(net) == [(0, 1)] * 2


def test_nets_with_a_backward_are_left_alone():
    assert passed(chain("Settling", before="force_backward: true "), 3) == [(3, 0)]


def test_a_call_that_says_that_it_failed_leaves_the_error_to_forward():
    net = chain("Settling", "Settling")
    passed(net, 3)
    second = net.nodes[2].kernel
    second.again = lambda: 3
    second.tensors[0].clear()
    net.forward()  # settles anew
    second.fail = True
    with pytest.raises(LayerError, match=r"^l1 \(Settling\): ValueError in forward: no$"):
        net.forward()


def test_errors_name_the_layer():
    net = chain("Settling", "Settling", "Settling")
    passed(net, 3)
    net.nodes[2].kernel.fail = True
    with pytest.raises(LayerError, match=r"^l1 \(Settling\): ValueError in forward: no$"):
        net.forward()
    net.nodes[2].kernel.fail = False
    assert passed(net, 2) == [(0, 2)] * 3
