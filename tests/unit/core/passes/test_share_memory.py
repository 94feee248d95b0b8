from __future__ import annotations

import re

import numpy as np
import pytest

from caffe_core.errors import CaffeError, NetError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
name: "chain"
layer { name: "in" type: "Input" top: "x" top: "t"
        input_param { shape { dim: 4 dim: 8 } shape { dim: 4 dim: 8 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a"
        inner_product_param { num_output: 16 weight_filler { type: "xavier" } } }
layer { name: "b" type: "TanH" bottom: "a" top: "b" }
layer { name: "c" type: "InnerProduct" bottom: "b" top: "c"
        inner_product_param { num_output: 8 weight_filler { type: "xavier" } } }
layer { name: "d" type: "Sigmoid" bottom: "c" top: "d" }
layer { name: "e" type: "Power" bottom: "d" top: "e" power_param { scale: 2 } }
layer { name: "f" type: "InnerProduct" bottom: "e" top: "f"
        inner_product_param { num_output: 8 weight_filler { type: "xavier" } } }
"""
LOSS = 'layer { name: "loss" type: "EuclideanLoss" bottom: "f" bottom: "t" top: "loss" }'


def build(source=NET + LOSS, phase=Phase.TRAIN, rows=4, **options):
    net = Net(source, phase, seed=3, engines=("caffe",), **options)
    feed(net, rows)
    return net


def feed(net, rows):
    values = np.random.default_rng(rows)
    for name in net.inputs:
        net.blobs[name].reshape(rows, 8)
        net.blobs[name].data[...] = values.standard_normal((rows, 8))


def results(net):
    net.clear_param_diffs()
    loss = net.forward_backward()
    return [loss, *(parameter.blob.diff.copy() for parameter in net.learnable)]


def assert_same(these, those):
    for this, that in zip(these, those, strict=True):
        np.testing.assert_array_equal(this, that)


def test_training_with_shared_memory_gives_the_same_gradients_at_every_batch_size():
    shared, apart = build(keep=()), build()
    for rows in (4, 9, 4, 2):
        feed(shared, rows), feed(apart, rows)
        assert_same(results(shared), results(apart))
        assert_same(results(shared), results(apart))


def test_the_plan_says_what_it_saves():
    (first, *others) = build(keep=()).notes["share_memory"]
    assert re.fullmatch(r"\d+ tensors share 0\.0 MiB instead of 0\.0 MiB", first)
    assert [line for line in others if line.startswith("b ")] == ["b is not kept"]


def test_without_keep_nothing_is_shared():
    net = build()
    assert net.notes["share_memory"] == ["every blob is kept"]
    net.forward()
    assert np.abs(net.blobs["b"].data).sum() > 0


def test_a_blob_that_was_not_kept_says_so():
    net = build(keep=("d",))
    net.forward()
    assert net.blobs["a"].shape == (4, 16)
    with pytest.raises(CaffeError, match=r"data of blob 'a' was not kept.*keep=\['a'\]"):
        _ = net.blobs["a"].data
    with pytest.raises(CaffeError, match="diff of blob 'a' was not kept"):
        _ = net.blobs["a"].diff
    assert repr(net.blobs["a"]).endswith("not kept")


def test_what_is_kept_holds_what_it_should():
    some, everything = build(keep=("d",)), build()
    some.forward_backward(), everything.forward_backward()
    for name in ("d", "loss"):
        np.testing.assert_array_equal(some.blobs[name].data, everything.blobs[name].data)
    np.testing.assert_array_equal(some.blobs["d"].diff, everything.blobs["d"].diff)


def test_forward_alone_shares_more():
    net = build(NET, Phase.TEST, keep=())
    size = lambda net: net._graph.memory.size  # noqa: E731
    assert size(net) < size(build(keep=()))
    assert size(net) < net._graph.memory.unshared
    plain = build(NET, Phase.TEST)
    net.forward(), plain.forward()
    np.testing.assert_array_equal(net.blobs["f"].data, plain.blobs["f"].data)


def test_a_net_for_test_runs_forward_only():
    net = build(phase=Phase.TEST, keep=())
    assert net.forward_only
    assert net.forward() == build(phase=Phase.TEST).forward()
    with pytest.raises(NetError, match=r"runs forward only.*keep=None"):
        net.backward()


def test_a_part_that_needs_what_is_gone_is_refused():
    net = build(NET, Phase.TEST, keep=("d",))
    net.forward()
    with pytest.raises(NetError, match="blob 'b' is needed, which was not kept"):
        net.forward(start="c")
    net.forward(start="e")
    net = build(keep=())
    net.forward()
    net.forward(start="c")
    net.backward()
    with pytest.raises(NetError, match="is needed, which was not kept"):
        net.backward()
    net.forward()
    with pytest.raises(NetError, match="is needed, which was not kept"):
        net.backward(start="c")


def test_a_name_that_is_no_blob():
    with pytest.raises(CaffeError, match=r"keep: net 'chain' has no blob 'dd'. Did you mean 'd'"):
        build(keep=("dd",))


def test_a_layer_whose_shapes_change_in_a_pass_stops_it():
    source = """
    layer { name: "in" type: "Input" top: "x" top: "s"
            input_param { shape { dim: 4 dim: 8 } shape { dim: 4 } } }
    layer { name: "filter" type: "Filter" bottom: "x" bottom: "s" top: "y" }
    layer { name: "relu" type: "ReLU" bottom: "y" top: "z" }
    """
    net = Net(source, keep=())
    assert net.notes["share_memory"][0].startswith("nothing is shared: the shapes that filter")


def test_backward_in_place_writes_over_the_diff_of_the_top():
    net = build(keep=())
    assert net.notes["backward_in_place"] == [
        "b runs backward in place",
        "d runs backward in place",
        "e runs backward in place",
    ]
    tensors = [blob.diff_tensor for node in net.nodes if node.name in "de" for blob in node.top]
    assert tensors[0] is tensors[1]
    assert_same(results(net), results(build(passes=())))
