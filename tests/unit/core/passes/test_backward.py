from __future__ import annotations

import pytest

from caffe_core.passes import find_backward, gather_parameters, insert_splits, set_up_layers


def found(graph):
    """Return, for each layer that runs backward, which bottoms get a gradient."""
    for step in (insert_splits, set_up_layers, gather_parameters, find_backward):
        step(graph)
    return {node.name: node.propagate_down for node in graph.nodes if node.need_backward}


def chain(*middle, loss='layer { name: "loss" type: "Total" bottom: "z" top: "l" }', net=""):
    """A net x -> a -> y -> b -> z -> loss with what is given for a and b."""
    first, second = middle
    return f"""
        {net}
        layer {{ name: "d" type: "Any" top: "x" }}
        layer {{ name: "a" bottom: "x" top: "y" {first} }}
        layer {{ name: "b" bottom: "y" top: "z" {second} }}
        {loss}
    """


def test_gradients_flow_from_the_loss_down_to_the_first_learned_blob(graph):
    net = graph(chain('type: "Double"', 'type: "Gain"'))
    assert found(net) == {"b": [False], "loss": [True]}
    net = graph(chain('type: "Gain"', 'type: "Double"'))
    assert found(net) == {"a": [False], "b": [True], "loss": [True]}


def test_nothing_runs_where_nothing_is_learned(graph):
    assert found(graph(chain('type: "Double"', 'type: "Double"'))) == {}


def test_nothing_runs_where_there_is_no_loss(graph):
    assert found(graph(chain('type: "Gain"', 'type: "Gain"', loss=""))) == {}


@pytest.mark.parametrize("weight", [0, 2])
def test_a_loss_weight_makes_any_layer_a_loss(graph, weight):
    net = graph(chain('type: "Gain"', f'type: "Double" loss_weight: {weight}', loss=""))
    assert found(net) == ({"a": [False], "b": [True]} if weight else {})


def test_a_loss_of_weight_zero_is_none(graph):
    loss = 'layer { name: "loss" type: "Total" bottom: "z" loss_weight: 0 }'
    assert found(graph(chain('type: "Gain"', 'type: "Double"', loss=loss))) == {}


def test_lr_mult_0_freezes_a_blob_and_what_is_before_it(graph):
    net = graph(chain('type: "Gain" param { lr_mult: 0 }', 'type: "Gain"'))
    assert found(net) == {"b": [False], "loss": [True]}
    assert net.nodes[1].layer.param_propagate_down == [False]
    assert net.nodes[2].layer.param_propagate_down == [True]


def test_a_frozen_layer_passes_gradients_on(graph):
    net = graph(chain('type: "Gain"', 'type: "Gain" param { lr_mult: 0 }'))
    assert found(net) == {"a": [False], "b": [True], "loss": [True]}
    assert net.nodes[2].layer.param_propagate_down == [False]


def test_propagate_down_false_stops_the_gradient(graph):
    net = graph(chain('type: "Gain"', 'type: "Gain" propagate_down: false'))
    assert found(net) == {"b": [False], "loss": [True]}


def test_propagate_down_true_alone_lets_no_layer_run(graph):
    net = graph(chain('type: "Double" propagate_down: true', 'type: "Double"'))
    assert found(net) == {}


def test_propagate_down_true_asks_for_the_gradient_of_a_fed_blob(graph):
    net = graph(chain('type: "Gain" propagate_down: true', 'type: "Double"'))
    assert found(net)["a"] == [True]


BRANCHES = """
layer { name: "d" type: "Any" top: "x" }
layer { name: "a" type: "Gain" bottom: "x" top: "y" }
layer { name: "b" type: "Double" bottom: "y" top: "z" }
layer { name: "loss" type: "Total" bottom: "z" top: "l" }
layer { name: "c" type: "Gain" bottom: "y" top: "unused" }
"""


def test_a_branch_without_loss_does_not_run(graph):
    assert found(graph(BRANCHES)) == {
        "a": [False], "y_a_0_split": [True], "b": [True], "loss": [True],
    }  # fmt: skip


def test_a_branch_that_is_silenced_does_not_run(graph):
    silence = 'layer { name: "s" type: "Any" bottom: "unused" }'
    assert "c" not in found(graph(BRANCHES + silence))


def test_stopped_on_every_branch_a_layer_does_not_run(graph):
    net = graph("""
        layer { name: "d" type: "Any" top: "x" }
        layer { name: "a" type: "Gain" bottom: "x" top: "y" }
        layer { name: "b" type: "Gain" bottom: "y" top: "u" propagate_down: false }
        layer { name: "c" type: "Gain" bottom: "y" top: "v" propagate_down: false }
        layer { name: "loss" type: "Total" bottom: "u" bottom: "v" top: "l" }
    """)
    assert found(net) == {"b": [False], "c": [False], "loss": [True, True]}


def test_layers_in_place_pass_the_gradient_on(graph):
    net = graph("""
        layer { name: "d" type: "Any" top: "x" }
        layer { name: "a" type: "Gain" bottom: "x" top: "y" }
        layer { name: "b" type: "Double" bottom: "y" top: "y" }
        layer { name: "loss" type: "Total" bottom: "y" top: "l" }
    """)
    assert found(net) == {"a": [False], "b": [True], "loss": [True]}


def test_force_backward_runs_every_layer_and_every_learned_blob(graph):
    first = 'type: "Gain" param { lr_mult: 0 }'
    net = graph(chain(first, 'type: "Double"', net="force_backward: true"))
    assert found(net) == {"d": [], "a": [True], "b": [True], "loss": [True]}
    assert net.nodes[1].layer.param_propagate_down == [True]


def test_force_backward_sends_nothing_to_labels(graph):
    net = graph("""
        force_backward: true
        layer { name: "d" type: "Any" top: "x" top: "label" }
        layer { name: "loss" type: "Total" bottom: "x" bottom: "label" }
    """)
    assert found(net)["loss"] == [True, False]


def test_the_log_has_caffes_words(graph, messages):
    found(graph(chain('type: "Double"', 'type: "Gain"')))
    assert messages()[-5:] == [
        "loss needs backward computation.",
        "b needs backward computation.",
        "a does not need backward computation.",
        "d does not need backward computation.",
        "This network produces output l",
    ]


def test_the_notes_name_what_runs(graph):
    net = graph(chain('type: "Double"', 'type: "Gain"'))
    for step in (insert_splits, set_up_layers, gather_parameters):
        step(net)
    assert find_backward(net) == ["b runs backward", "loss runs backward"]
