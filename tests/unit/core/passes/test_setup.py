from __future__ import annotations

import pytest

from caffe_core.errors import DataError, LayerError, NetError, PluginError
from caffe_core.layer import Layer, Phase, between, exactly
from caffe_core.passes import insert_splits, set_up_layers


def built(graph):
    insert_splits(graph)
    set_up_layers(graph)
    return graph


def refusal(graph, error=NetError):
    with pytest.raises(error) as caught:
        built(graph)
    return str(caught.value)


def test_nodes_are_connected_through_blobs_in_their_shapes(graph):
    net = built(
        graph("""
        layer { name: "d" type: "Any" top: "x" top: "y" }
        layer { name: "e" type: "Double" bottom: "x" top: "z" }
    """)
    )
    first, second = net.nodes
    assert second.bottom == [first.top[0]] == [net.blobs["x"]]
    assert (second.bottom_names, second.top_names) == (["x"], ["z"])
    assert list(net.blobs) == ["x", "y", "z"]
    assert net.blobs["z"].shape == (2, 3)
    assert second.label == "e (Double)"


def test_outputs_are_what_no_one_reads_in_the_order_of_their_names(graph):
    net = built(
        graph("""
        layer { name: "d" type: "Any" top: "x" top: "z" top: "b" }
        layer { name: "e" type: "Any" bottom: "x" top: "a" }
        layer { name: "f" type: "Double" bottom: "a" top: "a" }
    """)
    )
    assert net.outputs == ["a", "b", "z"]


def test_inputs_are_the_tops_of_input_layers(graph):
    net = built(
        graph("""
        layer { name: "d" type: "Any" top: "x" }
        layer { name: "i" type: "Input" top: "b" top: "a" input_param { shape { dim: 2 } } }
    """)
    )
    assert net.inputs == ["b", "a"]
    assert net.blobs["b"].shape == (2,)


def test_a_layer_in_place_has_one_blob_as_bottom_and_top(graph):
    net = built(
        graph("""
        layer { name: "d" type: "Any" top: "x" }
        layer { name: "e" type: "Double" bottom: "x" top: "x" }
    """)
    )
    assert net.nodes[1].top[0] is net.nodes[1].bottom[0]
    assert list(net.blobs) == ["x"]


def test_a_layer_that_cannot_run_in_place_says_so(graph):
    message = refusal(
        graph("""
        layer { name: "d" type: "Any" top: "x" }
        layer { name: "e" type: "Gain" bottom: "x" top: "x" }
    """)
    )
    assert message == (
        "e (Gain): cannot run in place; give its top a name that differs from its bottom's"
    )


def test_two_tops_of_one_name(graph):
    message = refusal(
        graph("""
        layer { name: "d" type: "Any" top: "x" }
        layer { name: "e" type: "Any" top: "x" }
    """)
    )
    assert message.startswith(
        "e (Any): Top blob 'x' produced by multiple sources: d (Any) makes it already. Rename one"
    )


def test_one_layer_with_two_tops_of_one_name(graph):
    message = refusal(graph('layer { name: "d" type: "Any" top: "x" top: "x" }'))
    assert message.startswith(
        "d (Any): Top blob 'x' produced by multiple sources: d (Any) makes it already. Rename one"
    )


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ('type: "Double" top: "y"', "e (Double): takes 1 bottom, has 0; add or remove some"),
        ('type: "Double" bottom: "x"', "e (Double): takes 1 top, has 0; add or remove some"),
        ('type: "Total" top: "y"', "e (Total): takes at least 1 bottoms, has 0"),
        ('type: "Few" bottom: "x"', "e (Few): takes 1 to 2 tops, has 0"),
        (
            'type: "Few" bottom: "x" top: "y" top: "z"',
            "e (Few): takes as many tops as bottoms, has 1 bottoms and 2 tops; add or remove some",
        ),
    ],
)
def test_wrong_numbers_of_bottoms_and_tops(graph, plug_layer, layer, message):
    class Few(Layer):
        tops = between(1, 2)
        equal_counts = True

    plug_layer("Few", Few)
    text = f'layer {{ name: "d" type: "Any" top: "x" }} layer {{ name: "e" {layer} }}'
    assert refusal(graph(text)).startswith(message)


def test_tops_that_the_prototxt_leaves_out_are_made_without_a_name(graph):
    net = built(
        graph("""
        layer { name: "d" type: "Any" top: "x" }
        layer { name: "loss" type: "Total" bottom: "x" }
    """)
    )
    node = net.nodes[1]
    assert (node.top_names, node.loss_weights) == ([""], [1])
    assert node.top == net.automatic
    assert list(net.blobs) == ["x"]
    assert net.outputs == []


@pytest.mark.parametrize("times", [1, 3])
def test_propagate_down_is_for_each_bottom_or_none(graph, times):
    given = "propagate_down: true " * times
    message = refusal(
        graph(f"""
        layer {{ name: "d" type: "Any" top: "x" top: "y" }}
        layer {{ name: "e" type: "Any" bottom: "x" bottom: "y" {given} }}
    """)
    )
    assert message == (
        f"e (Any): propagate_down is given {times} times for 2 bottoms; "
        "give it once for each bottom, or not at all"
    )


def test_more_loss_weights_than_tops(graph):
    net = graph('layer { name: "d" type: "Any" top: "x" loss_weight: 1 loss_weight: 2 }')
    assert refusal(net).startswith("d (Any): loss_weight is given 2 times for 1 tops; give it once")


def test_loss_weights(graph):
    net = built(
        graph("""
        layer { name: "d" type: "Any" top: "x" top: "y" loss_weight: 0 loss_weight: 2.5 }
        layer { name: "l" type: "Total" bottom: "x" top: "l" }
        layer { name: "m" type: "Total" bottom: "l" top: "m" loss_weight: 0 }
    """)
    )
    weights = {name: list(node.loss_weights) for node, name in zip(net.nodes, "dlm", strict=True)}
    assert weights == {"d": [0, 2.5], "l": [1], "m": [0]}


def test_an_unknown_type_names_the_layer_and_what_to_install(graph):
    message = refusal(graph('layer { name: "d" type: "Doubel" top: "x" }'), PluginError)
    assert message.startswith("layer 'd': no layer type 'Doubel' is installed (")
    assert "Did you mean 'Double'" in message
    assert message.endswith("Try: pip install caffe-layer-doubel")


class Picky(Layer):
    bottoms = exactly(0)

    def setup(self, bottom, top):
        raise {
            "own": self.error("does not like it"),
            "named": DataError(f"{self.name} ({self.type}): no such file"),
            "caffe": DataError("no such file"),
            "other": ZeroDivisionError("division by zero"),
        }[self.name]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("own", LayerError, "own (Picky): does not like it"),
        ("named", DataError, "named (Picky): no such file"),
        ("caffe", LayerError, "caffe (Picky): no such file"),
        ("other", LayerError, "other (Picky): ZeroDivisionError in setup: division by zero"),
    ],
)
def test_errors_of_a_layer_begin_with_its_name(graph, plug_layer, name, error, message):
    plug_layer("Picky", Picky)
    assert refusal(graph(f'layer {{ name: "{name}" type: "Picky" top: "x" }}'), error) == message


def test_each_layer_has_random_numbers_of_its_own(graph):
    text = 'layer { name: "a" type: "Noise" top: "x" } layer { name: "b" type: "Noise" top: "y" }'
    first, second, other = (built(graph(text, seed=seed)) for seed in (1, 1, 2))
    drawn = [[node.layer.rng.random() for node in net.nodes] for net in (first, second, other)]
    assert drawn[0] == drawn[1]
    assert len({*drawn[0], *drawn[2]}) == 4


def test_a_layer_may_have_a_phase_of_its_own(graph):
    net = built(graph("""
        layer { name: "d" type: "Any" top: "x" phase: TRAIN }
        layer { name: "e" type: "Any" top: "y" }
    """, phase=Phase.TEST))  # fmt: skip
    assert [node.layer.phase for node in net.nodes] == [Phase.TRAIN, Phase.TEST]
    assert [layer.phase for layer in net.param.layer] == [Phase.TRAIN, Phase.TEST]


GAIN = """
layer {{ name: "d" type: "Any" top: "x" }}
layer {{ name: "g" type: "Gain" bottom: "x" top: "y" {blobs} }}
"""


@pytest.mark.parametrize(
    "blob",
    [
        "shape { dim: 3 } data: 4 data: 5 data: 6",
        "shape { dim: 3 } double_data: 4 double_data: 5 double_data: 6",
        "num: 1 channels: 1 height: 1 width: 3 data: 4 data: 5 data: 6",
    ],
)
def test_learned_blobs_may_stand_in_the_definition(graph, blob):
    net = built(graph(GAIN.format(blobs=f"blobs {{ {blob} }}")))
    assert net.nodes[1].layer.blobs[0].data.tolist() == [4, 5, 6]
    assert not net.param.layer[1].blobs


@pytest.mark.parametrize(
    ("blobs", "message"),
    [
        (
            "blobs { shape { dim: 2 } data: 1 data: 2 }",
            "g (Gain): learned blob 0 has shape (3,), the definition holds (2,)",
        ),
        (
            "blobs { shape { dim: 1 dim: 3 } data: 1 data: 2 data: 3 }",
            "g (Gain): learned blob 0 has shape (3,), the definition holds (1, 3)",
        ),
        (
            "blobs { shape { dim: 3 } data: 1 data: 2 data: 3 } blobs { data: 1 }",
            "g (Gain): the definition holds 2 learned blobs, the layer has 1; correct or remove",
        ),
        (
            "blobs { shape { dim: 3 } data: 1 }",
            "g (Gain): learned blob 0 in the definition: a blob of shape (3,) has 1 values;",
        ),
    ],
)
def test_learned_blobs_in_the_definition_must_fit(graph, blobs, message):
    assert refusal(graph(GAIN.format(blobs=blobs))).startswith(message)


def test_the_log_has_caffes_words(graph, messages):
    built(
        graph("""
        layer { name: "d" type: "Any" top: "x" }
        layer { name: "e" type: "Double" bottom: "x" top: "x" }
        layer { name: "l" type: "Total" bottom: "x" loss_weight: 0.5 }
    """)
    )
    assert messages() == [
        "Creating Layer d",
        "d -> x",
        "Setting up d",
        "Top shape: 2 3 (6)",
        "Creating Layer e",
        "e <- x",
        "e -> x (in-place)",
        "Setting up e",
        "Top shape: 2 3 (6)",
        "Creating Layer l",
        "l <- x",
        "l -> (automatic)",
        "Setting up l",
        "Top shape: (1)",
        "    with loss weight 0.5",
        "Memory required for data: 52",
    ]


def test_the_notes_count(graph):
    net = graph('layer { name: "d" type: "Any" top: "x" }')
    assert set_up_layers(net) == ["1 layers, 1 blobs, 24 bytes of data"]
