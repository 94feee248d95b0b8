from __future__ import annotations

import pytest

from caffe_core.errors import NetError
from caffe_core.passes import insert_splits


def layers(graph):
    """Name, bottoms, tops and loss weights of each layer after the pass."""
    insert_splits(graph)
    return [
        (layer.name, [*layer.bottom], [*layer.top], [*layer.loss_weight])
        for layer in graph.param.layer
    ]


def test_a_blob_that_is_read_once_or_never_has_no_split(graph):
    net = graph("""
        layer { name: "d" type: "Any" top: "x" top: "y" }
        layer { name: "e" type: "Any" bottom: "x" top: "z" }
    """)
    assert [layer[0] for layer in layers(net)] == ["d", "e"]


def test_each_reader_gets_a_copy_under_caffes_name(graph):
    net = graph("""
        layer { name: "d" type: "Any" top: "w" top: "x" }
        layer { name: "e" type: "Any" bottom: "x" top: "y" }
        layer { name: "f" type: "Any" bottom: "y" bottom: "x" }
    """)
    assert layers(net) == [
        ("d", [], ["w", "x"], []),
        ("x_d_1_split", ["x"], ["x_d_1_split_0", "x_d_1_split_1"], []),
        ("e", ["x_d_1_split_0"], ["y"], []),
        ("f", ["y", "x_d_1_split_1"], [], []),
    ]


def test_one_layer_may_read_a_blob_twice(graph):
    net = graph("""
        layer { name: "d" type: "Any" top: "x" }
        layer { name: "e" type: "Any" bottom: "x" bottom: "x" }
    """)
    assert layers(net)[2] == ("e", ["x_d_0_split_0", "x_d_0_split_1"], [], [])


def test_after_a_layer_in_place_the_split_has_that_layers_name(graph):
    net = graph("""
        layer { name: "conv" type: "Any" top: "x" }
        layer { name: "relu" type: "Any" bottom: "x" top: "x" }
        layer { name: "e" type: "Any" bottom: "x" }
        layer { name: "f" type: "Any" bottom: "x" }
    """)
    assert [layer[0] for layer in layers(net)] == ["conv", "relu", "x_relu_0_split", "e", "f"]


def test_being_a_weighted_loss_is_a_use_and_moves_the_weight_to_the_first_copy(graph):
    net = graph("""
        layer { name: "d" type: "Any" top: "x" loss_weight: 3 }
        layer { name: "e" type: "Any" bottom: "x" }
    """)
    split = net.param.layer[1] if insert_splits(net) else None
    assert (split.name, split.type) == ("x_d_0_split", "Split")
    assert list(split.loss_weight) == [3, 0]
    assert not any(net.param.layer[0].loss_weight)
    assert list(net.param.layer[2].bottom) == ["x_d_0_split_1"]


def test_the_weight_of_another_top_stays_where_it_is(graph):
    net = graph("""
        layer { name: "d" type: "Any" top: "x" top: "y" loss_weight: 3 loss_weight: 5 }
        layer { name: "e" type: "Any" bottom: "x" }
    """)
    made = layers(net)
    assert made[0] == ("d", [], ["x", "y"], [0, 5])
    assert made[1][3] == [3, 0]


def test_a_weight_of_zero_is_no_use(graph):
    net = graph("""
        layer { name: "d" type: "Any" top: "x" loss_weight: 0 }
        layer { name: "e" type: "Any" bottom: "x" }
    """)
    assert [layer[0] for layer in layers(net)] == ["d", "e"]


def test_a_bottom_that_no_one_makes_gives_near_names(graph):
    net = graph("""
        layer { name: "d" type: "Any" top: "data" }
        layer { name: "e" type: "Any" bottom: "data" bottom: "dtaa" }
    """)
    with pytest.raises(NetError) as caught:
        insert_splits(net)
    assert str(caught.value) == (
        "Unknown bottom blob 'dtaa' (layer 'e', bottom index 1): no earlier layer has a top of "
        "that name. Did you mean 'data'? Layers that make it may be left out in this phase."
    )


def test_a_bottom_that_a_later_layer_makes_says_so(graph):
    net = graph("""
        layer { name: "e" type: "Any" bottom: "x" }
        layer { name: "d" type: "Any" top: "x" }
    """)
    with pytest.raises(NetError, match="It is made by a later layer; move that layer up"):
        insert_splits(net)


def test_a_layer_in_place_must_be_the_only_reader(graph):
    net = graph("""
        layer { name: "d" type: "Any" top: "x" }
        layer { name: "e" type: "Any" bottom: "x" }
        layer { name: "f" type: "Double" bottom: "x" top: "x" }
    """)
    with pytest.raises(NetError) as caught:
        insert_splits(net)
    assert str(caught.value) == (
        "f (Double): Top blob 'x' produced by multiple sources: the layer cannot run in place, "
        "since its bottom 'x' is used elsewhere too; give its top another name"
    )


def test_the_notes_name_the_splits(graph):
    net = graph("""
        layer { name: "d" type: "Any" top: "x" }
        layer { name: "e" type: "Any" bottom: "x" bottom: "x" }
    """)
    assert insert_splits(net) == ["x_d_0_split gives 2 readers a copy of x"]
