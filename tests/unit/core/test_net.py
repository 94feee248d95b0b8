from __future__ import annotations

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

from caffe_core.errors import NetError, ParseError, PluginError
from caffe_core.layer import Layer, Phase, exactly
from caffe_core.net import Net
from caffe_core.proto.files import load_net

NET = """
name: "tiny"
layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "a" type: "Gain" bottom: "x" top: "a" }
layer { name: "b" type: "Double" bottom: "a" top: "b" include { phase: TRAIN } }
layer { name: "c" type: "Gain" bottom: "a" top: "c" }
layer { name: "loss" type: "Total" bottom: "c" top: "loss" include { phase: TRAIN } }
"""


@pytest.mark.parametrize("kind", ["text", "message", "path", "name of a path"])
def test_a_net_is_built_from_text_a_message_or_a_file(tmp_path, kind):
    path = tmp_path / "net.prototxt"
    path.write_text(NET)
    source = {"text": NET, "message": load_net(NET), "path": path, "name of a path": str(path)}
    net = Net(source[kind])
    assert (net.name, net.layer_names) == ("tiny", ["d", "a", "c"])


def test_a_message_is_not_changed():
    message = load_net(NET)
    before = message.SerializeToString()
    Net(message, Phase.TRAIN)
    assert message.SerializeToString() == before


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(ParseError, match=r"none\.prototxt: cannot be read: No such file"):
        Net(tmp_path / "none.prototxt")


def test_what_a_net_knows():
    net = Net(NET, Phase.TRAIN)
    assert net.phase is Phase.TRAIN
    assert net.layer_names == list(net.layers) == ["d", "a", "a_a_0_split", "b", "c", "loss"]
    assert list(net.blobs) == ["x", "a", "a_a_0_split_0", "a_a_0_split_1", "b", "c", "loss"]
    assert (net.inputs, net.outputs) == (["x"], ["b", "loss"])
    assert list(net.params) == ["a", "c"]
    assert [parameter.name for parameter in net.learnable] == ["a[0]", "c[0]"]
    assert [layer.type for layer in net.param.layer][2] == "Split"
    assert repr(net) == "<Net 'tiny' TRAIN: 6 layers, 7 blobs, 6 learned values, on cpu>"


def test_the_phase_may_be_a_number():
    assert Net(NET, 0).phase is Phase.TRAIN
    assert Net(NET).phase is Phase.TEST


def test_level_and_stages_choose_layers():
    text = """
        layer { name: "a" type: "Noise" top: "a" include { min_level: 2 } }
        layer { name: "b" type: "Noise" top: "b" include { stage: "deploy" } }
    """
    assert Net(text).layer_names == []
    assert Net(text, level=2).layer_names == ["a"]
    assert Net(text, stages=["deploy"]).layer_names == ["b"]


def test_an_empty_net_runs():
    net = Net('name: "nothing"\n')
    assert net.forward_backward() == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_blob_has_the_nets_type(dtype):
    net = Net(NET, Phase.TRAIN, dtype=dtype)
    blobs = [*net.blobs.values(), *(blob for blobs in net.params.values() for blob in blobs)]
    assert {blob.dtype for blob in blobs} == {np.dtype(dtype)}
    assert net.arena.data().dtype == dtype


def test_one_seed_gives_one_net():
    text = 'layer { name: "n" type: "Noise" top: "x" }'

    def drawn(seed):
        net = Net(text, seed=seed)
        net.forward()
        return net.blobs["x"].data.copy()

    np.testing.assert_array_equal(drawn(4), drawn(4))
    assert (drawn(4) != drawn(5)).all()
    assert (drawn(None) != drawn(None)).all()


def written(net, start, end):
    """The blobs that a forward from `start` to `end` writes."""
    for blob in net.blobs.values():
        blob.data[...] = 1
    for blobs in net.params.values():
        blobs[0].data[...] = 3
    net.forward(start, end)
    return [name for name, blob in net.blobs.items() if (blob.data != 1).all()]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, ["a", "c"]),
        (None, "a", ["a"]),
        (0, 1, ["a"]),
        ("c", None, ["c"]),
        (2, 2, ["c"]),
        ("a", "c", ["a", "c"]),
        ("c", "a", []),
    ],
)
def test_forward_runs_from_and_to_layers_by_name_or_index(start, end, expected):
    assert written(Net(NET), start, end) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, [1, 1]),
        ("c", None, [1, 1]),
        ("loss", "c", [0, 1]),
        (5, 4, [0, 1]),
        ("a", "a", [1, 0]),
    ],
)
def test_backward_runs_from_and_to_layers_by_name_or_index(start, end, expected):
    net = Net(NET, Phase.TRAIN)
    net.blobs["x"].data[...] = 1
    net.forward()
    for name in ("a", "a_a_0_split_1", "c"):
        net.blobs[name].diff[...] = 1
    net.backward(start, end)
    assert [int(net.params[name][0].diff.any()) for name in ("a", "c")] == expected


@pytest.mark.parametrize("method", ["forward", "backward"])
@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("lsos", "net 'tiny' has no layer 'lsos'. Did you mean 'loss'?"),
        (6, "net 'tiny' has no layer 6; expected 0 to 5"),
        (-1, "net 'tiny' has no layer -1; expected 0 to 5"),
    ],
)
def test_a_layer_that_does_not_exist_is_named(method, layer, message):
    net = Net(NET, Phase.TRAIN)
    for arguments in ({"start": layer}, {"end": layer}):
        with pytest.raises(NetError) as caught:
            getattr(net, method)(**arguments)
        assert str(caught.value) == message


@pytest.mark.parametrize("phase", Phase)
def test_gradients_of_learned_blobs_add_up_until_they_are_cleared(phase):
    net = Net(NET.replace("include { phase: TRAIN }", ""), phase)
    net.blobs["x"].data[...] = 1
    for passes in (1, 2):
        net.forward_backward()
        assert (net.params["c"][0].diff == 2 * passes).all()
    net.clear_param_diffs()
    assert not any(parameter.blob.diff.any() for parameter in net.learnable)


def test_gradients_of_shared_blobs_add_up():
    text = NET.replace('type: "Gain"', 'type: "Gain" param { name: "w" }')
    net = Net(text, Phase.TRAIN)
    net.params["a"][0].data[...] = [1, 2, 3]
    net.blobs["x"].data[...] = 1
    assert net.forward_backward() == 2 * (1 + 4 + 9)
    assert [parameter.name for parameter in net.learnable] == ["w"]
    assert net.learnable[0].blob.diff.tolist() == [4, 8, 12]  # d/dw of 2 w^2


def test_only_a_net_for_training_has_an_arena():
    assert Net(NET).arena is None
    net = Net(NET, Phase.TRAIN)
    assert np.shares_memory(net.params["a"][0].data, net.arena.data())


def test_state_and_restore_continue_random_numbers():
    text = 'layer { name: "n" type: "Noise" top: "x" }'
    net, twin = Net(text, seed=1), Net(text, seed=2)
    net.forward()
    twin.restore({**net.state(), "layer of another net": {}})
    for each in (net, twin):
        each.forward()
    np.testing.assert_array_equal(net.blobs["x"].data, twin.blobs["x"].data)


@pytest.mark.parametrize(
    ("poison", "expected"),
    [
        (lambda net: net.blobs["x"], "blob 'x', made by d (Input)"),
        (lambda net: net.params["a"][0], "learned blob 0 of a (Gain)"),
        (lambda net: net.blobs["c"], "blob 'c', made by c (Gain)"),
    ],
)
def test_the_first_blob_that_is_not_finite_is_found(poison, expected):
    net = Net(NET)
    assert net.first_non_finite() is None
    poison(net).data.flat[-1] = np.nan
    net.blobs["c"].data.flat[0] = np.inf
    assert net.first_non_finite() == expected


class Closing(Layer):
    """A layer that counts how often it is closed."""

    bottoms = exactly(0)
    closed = 0

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def close(self):
        type(self).closed += 1


@pytest.fixture
def closing(plug_layer):
    plug_layer("Closing", Closing)
    Closing.closed = 0
    return 'layer { name: "c" type: "Closing" top: "x" }'


def test_leaving_a_net_closes_its_layers(closing):
    with Net(closing):
        assert Closing.closed == 0
    assert Closing.closed >= 1


def test_dropping_a_net_closes_its_layers(closing):
    net = Net(closing)
    gone = weakref.ref(net)
    del net
    gc.collect()
    assert gone() is None
    assert Closing.closed == 1


def test_a_net_that_cannot_be_built_closes_the_layers_it_has(closing):
    with pytest.raises(PluginError):
        Net(closing + 'layer { name: "d" type: "NoSuchType" }')
    gc.collect()
    assert Closing.closed == 1


def test_arrays_outlive_the_net():
    net = Net(NET)
    data = net.blobs["x"].data
    data[...] = 3
    del net
    gc.collect()
    assert (data == 3).all()


def test_loss_weights_are_given_by_blob():
    net = Net(NET, Phase.TRAIN)
    assert {name: weight for name, weight in net.loss_weights.items() if weight} == {"loss": 1}


def test_a_steady_pass_allocates_no_blob():
    text = NET.replace("dim: 2 dim: 3", "dim: 64 dim: 2048").replace("Gain", "Double")
    net = Net(text, Phase.TRAIN)
    net.forward_backward()
    tracemalloc.start()
    try:
        net.forward_backward()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        net.forward_backward()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < net.blobs["x"].data.nbytes / 10


@pytest.mark.parametrize(
    ("layer", "top"),
    [
        ('"Sigmoid"', "y"),
        ('"ReLU" relu_param { negative_slope: 0.5 }', "y"),
        ('"Flatten"', "z"),
    ],
)
def test_a_loss_weight_outlives_backward_where_top_and_bottom_share_a_diff(layer, top):
    net = Net(
        f"""
        layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 3 }} }} }}
        layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "y"
          inner_product_param {{ num_output: 4 weight_filler {{ type: "constant" value: 0.5 }} }} }}
        layer {{ name: "last" bottom: "y" top: "{top}" loss_weight: 2 type: {layer} }}
        """,
        Phase.TRAIN,
    )
    net.blobs["x"].data[...] = -1
    gradients = []
    for _ in range(3):
        net.clear_param_diffs()
        net.forward_backward()
        gradients.append(net.params["ip"][0].diff.copy())
    assert gradients[0].any()
    for again in gradients[1:]:
        np.testing.assert_array_equal(again, gradients[0])
