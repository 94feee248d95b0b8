from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import NetError, ParseError
from caffe_core.layer import Phase
from caffe_core.net import Net
from caffe_core.proto import caffe_pb2
from caffe_core.proto.weights import read_weights

NET = """
name: "source"
layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "a" type: "Gain" bottom: "x" top: "a" }
layer { name: "b" type: "Gain" bottom: "a" top: "b" }
layer { name: "ip" type: "InnerProduct" bottom: "b" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "Total" bottom: "ip" top: "loss" }
"""
SHARED = NET.replace('type: "Gain"', 'type: "Gain" param { name: "w" }')


@pytest.fixture
def source():
    """A net whose learned blobs hold 1, 2, ... and their gradients -1, -2, ..."""
    return numbered(Net(NET, Phase.TRAIN))


def numbered(net):
    for index, parameter in enumerate(net.learnable):
        parameter.blob.data[...] = index + 1
        parameter.blob.diff[...] = -index - 1
    return net


def values(net):
    return [[float(blob.data.flat[0]) for blob in blobs] for blobs in net.params.values()]


def message(*layers):
    """A net with only what weights need: ``(name, shapes)`` of layers, all values 7."""
    net = caffe_pb2.NetParameter(name="stored")
    for name, shapes in layers:
        layer = net.layer.add(name=name, type="Whatever")
        for shape in shapes:
            layer.blobs.add(shape={"dim": shape}, data=[7] * int(np.prod(shape)))
    return net


@pytest.mark.parametrize("suffix", ["caffemodel", "caffemodel.h5"])
@pytest.mark.parametrize("text", [NET, SHARED], ids=["plain", "shared"])
def test_weights_survive_a_file(tmp_path, suffix, text):
    path = tmp_path / f"w.{suffix}"
    source = numbered(Net(text, Phase.TRAIN))
    source.save(path)
    target = Net(text)
    target.copy_from(path)
    assert values(target) == values(source)
    assert values(Net(text, weights=path)) == values(source)


def test_a_file_has_the_definition_and_the_gradients_if_asked_for(tmp_path, source):
    source.save(tmp_path / "without.caffemodel")
    source.save(tmp_path / "with.caffemodel", write_diff=True)
    without, with_ = (read_weights(tmp_path / f"{x}.caffemodel") for x in ("without", "with"))
    assert [layer.type for layer in with_.param.layer] == [
        "Input", "Gain", "Gain", "InnerProduct", "Total",
    ]  # fmt: skip
    assert without.layers["ip"][1].diff is None
    assert with_.layers["ip"][1].diff.tolist() == [-4] * 4


def test_weights_come_from_several_files_in_turn(tmp_path, source):
    source.save(tmp_path / "one.caffemodel")
    source.params["a"][0].data[...] = 50
    source.save(tmp_path / "two.caffemodel")
    weights = f"{tmp_path / 'two.caffemodel'},{tmp_path / 'one.caffemodel'}"
    assert values(Net(NET, weights=weights)) == [[1], [2], [3, 4]]


def test_weights_come_from_a_message_or_from_weights_read_before(tmp_path, source):
    net = Net(NET)
    net.copy_from(message(("a", [(3,)])))
    assert net.params["a"][0].data.tolist() == [7, 7, 7]
    source.save(tmp_path / "w.caffemodel")
    net.copy_from(read_weights(tmp_path / "w.caffemodel"))
    assert values(net) == values(source)


def test_values_are_copied_not_shared(tmp_path, source):
    source.save(tmp_path / "w.caffemodel")
    net = Net(NET, Phase.TRAIN)
    net.copy_from(tmp_path / "w.caffemodel")
    net.params["a"][0].data[...] = 9
    assert np.shares_memory(net.params["a"][0].data, net.arena.data())
    assert read_weights(tmp_path / "w.caffemodel").layers["a"][0].data.tolist() == [1, 1, 1]


def test_layers_that_one_side_lacks_are_left_alone(messages):
    net = Net(NET)
    net.copy_from(message(("other", [(5, 5)]), ("b", [(3,)])))
    assert "Ignoring source layer other" in messages()
    assert net.params["a"][0].data.tolist() == [1, 1, 1]
    assert net.params["b"][0].data.tolist() == [7, 7, 7]


def test_a_wrong_shape_is_refused():
    with pytest.raises(NetError) as caught:
        Net(NET).copy_from(message(("ip", [(3, 4), (4,)])))
    assert str(caught.value) == (
        "net 'stored': Cannot copy param 0 weights from layer 'ip'; shape mismatch. "
        "Source param shape is (3, 4); target param shape is (4, 3). "
        "Rename the layer to learn it from scratch"
    )


def test_a_wrong_number_of_blobs_is_refused(tmp_path, source):
    bare = NET.replace("num_output: 4", "num_output: 4 bias_term: false")
    source.save(tmp_path / "w.caffemodel")
    with pytest.raises(NetError) as caught:
        Net(bare).copy_from(tmp_path / "w.caffemodel")
    assert str(caught.value) == (
        f"{tmp_path / 'w.caffemodel'}: Incompatible number of blobs for layer ip: it holds 2, "
        "the net's layer has 1. Rename the layer to keep its own values"
    )


def test_weights_that_match_nothing_are_worth_a_warning_with_near_names(messages):
    net = Net(NET)
    net.copy_from(message(("d", []), ("ipp", [(4, 3), (4,)])))
    assert messages()[-1] == (
        "net 'stored': no layer of it with learned blobs is in net 'source', "
        "so nothing was copied. Did you mean 'ip'?"
    )


def test_a_model_without_learned_blobs_is_no_reason_to_warn(messages):
    Net(NET).copy_from(message(("d", [])))
    assert not [line for line in messages() if "nothing was copied" in line]


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (1, 1, 3), (3,)])
def test_shapes_of_four_axes_from_before_2015_fit_with_leading_ones(shape):
    stored = message(("a", [(3,)]))
    legacy = stored.layer[0].blobs[0]
    legacy.ClearField("shape")
    axes = (1,) * (4 - len(shape)) + shape
    for name, length in zip(("num", "channels", "height", "width"), axes, strict=True):
        setattr(legacy, name, length)
    net = Net(NET)
    net.copy_from(stored)
    assert net.params["a"][0].data.tolist() == [7, 7, 7]


def test_other_shapes_of_four_axes_are_refused():
    stored = message(("a", [(3,)]))
    stored.layer[0].blobs[0].ClearField("shape")
    stored.layer[0].blobs[0].num = 3
    stored.layer[0].blobs[0].channels = stored.layer[0].blobs[0].height = 1
    stored.layer[0].blobs[0].width = 1
    with pytest.raises(NetError, match=r"Source param shape is \(3, 1, 1, 1\); target .* \(3,\)"):
        Net(NET).copy_from(stored)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParseError, match=r"none\.caffemodel: cannot be read: No such file"):
        Net(NET, weights=tmp_path / "none.caffemodel")


def test_a_file_that_is_cut_off_is_refused(tmp_path, source):
    source.save(tmp_path / "w.caffemodel")
    content = (tmp_path / "w.caffemodel").read_bytes()
    (tmp_path / "w.caffemodel").write_bytes(content[:-20])
    with pytest.raises(ParseError, match=r"w\.caffemodel: "):
        Net(NET, weights=tmp_path / "w.caffemodel")


def test_sharing_uses_the_values_of_the_other_net_and_not_its_gradients(source):
    net = Net(NET)
    net.forward()
    net.share_trained_layers_with(source)
    source.params["a"][0].data[...] = 5
    net.blobs["x"].data[...] = 1
    net.forward()
    assert (net.blobs["a"].data == 5).all()
    assert not net.params["a"][0].diff.any()


def test_sharing_follows_when_the_other_net_reads_weights(tmp_path, source):
    source.save(tmp_path / "w.caffemodel")
    trained = Net(NET, Phase.TRAIN)
    net = Net(NET)
    net.share_trained_layers_with(trained)
    trained.copy_from(tmp_path / "w.caffemodel")
    assert values(net) == values(source)


def test_sharing_needs_equal_shapes_and_numbers(source):
    with pytest.raises(NetError, match="layer 'ip'; shape mismatch"):
        Net(NET.replace("num_output: 4", "num_output: 5")).share_trained_layers_with(source)
    bare = NET.replace("num_output: 4", "num_output: 4 bias_term: false")
    with pytest.raises(NetError, match="net 'source': Incompatible number of blobs for layer ip"):
        Net(bare).share_trained_layers_with(source)


def test_a_net_that_is_trained_keeps_its_memory_and_lends_it():
    """So an update still reaches what both nets see."""
    trained, source = Net(NET, Phase.TRAIN), Net(NET)
    (layer, (blob, *_)), (_, (lender, *_)) = (
        next(iter(net.params.items())) for net in (trained, source)
    )
    lender.data[...] = 3
    trained.share_trained_layers_with(source)
    trained.arena.data()[...] = 5
    assert (blob.data == 5).all()
    assert (lender.data == 5).all()
    assert layer in source.params


def test_of_two_nets_for_training_one_has_the_memory():
    first, second = Net(NET, Phase.TRAIN), Net(NET, Phase.TRAIN)
    first.share_trained_layers_with(second)
    second.arena.data()[...] = 5
    assert first.arena is None
    assert all((blob.data == 5).all() for blobs in first.params.values() for blob in blobs)
