from __future__ import annotations

import pytest

from caffe_core.errors import NetError
from caffe_core.layer import Phase
from caffe_core.passes import filter_layers

LAYERS = """
layer { name: "always" type: "Any" }
layer { name: "train" type: "Any" include { phase: TRAIN } }
layer { name: "test" type: "Any" include { phase: TEST } }
layer { name: "not_train" type: "Any" exclude { phase: TRAIN } }
layer { name: "min" type: "Any" include { min_level: 2 } }
layer { name: "max" type: "Any" include { max_level: 1 } }
layer { name: "between" type: "Any" include { min_level: 1 max_level: 2 } }
layer { name: "a" type: "Any" include { stage: "a" } }
layer { name: "a_and_b" type: "Any" include { stage: "a" stage: "b" } }
layer { name: "a_or_b" type: "Any" include { stage: "a" } include { stage: "b" } }
layer { name: "a_not_b" type: "Any" include { stage: "a" not_stage: "b" } }
layer { name: "no_a" type: "Any" exclude { stage: "a" } }
layer { name: "train_with_a" type: "Any" include { phase: TRAIN stage: "a" } }
"""


def kept(graph):
    filter_layers(graph)
    return {layer.name for layer in graph.param.layer}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"phase": Phase.TRAIN}, "always train max no_a"),
        ({"phase": Phase.TEST}, "always test not_train max no_a"),
        ({"level": -1}, "always test not_train max no_a"),
        ({"level": 1}, "always test not_train max between no_a"),
        ({"level": 2}, "always test not_train min between no_a"),
        ({"level": 3}, "always test not_train min no_a"),
        ({"stages": ("a",)}, "always test not_train max a a_or_b a_not_b"),
        ({"stages": ("b",)}, "always test not_train max a_or_b no_a"),
        ({"stages": ("a", "b")}, "always test not_train max a a_and_b a_or_b"),
        (
            {"phase": Phase.TRAIN, "stages": ("a",)},
            "always train max a a_or_b a_not_b train_with_a",
        ),
    ],
)
def test_rules(graph, options, expected):
    assert kept(graph(LAYERS, **options)) == set(expected.split())


def test_layers_keep_their_order(graph):
    net = graph(LAYERS, stages=("a",))
    filter_layers(net)
    names = [layer.name for layer in net.param.layer]
    assert names == ["always", "test", "not_train", "max", "a", "a_or_b", "a_not_b"]


def test_phase_and_level_of_the_file_are_replaced_and_its_stages_kept(graph):
    state = 'state { phase: TRAIN level: 2 stage: "a" }'
    net = graph(state + LAYERS, phase=Phase.TEST, stages=("b", "a"))
    assert kept(net) == {"always", "test", "not_train", "max", "a", "a_and_b", "a_or_b"}
    assert (net.param.state.phase, net.param.state.level) == (Phase.TEST, 0)
    assert list(net.param.state.stage) == ["a", "b"]


def test_include_and_exclude_in_one_layer_are_refused(graph):
    rules = "include { phase: TEST } exclude { phase: TRAIN }"
    net = graph(f'layer {{ name: "both" type: "Any" {rules} }}')
    with pytest.raises(NetError, match="layer 'both' has both include and exclude rules; keep one"):
        filter_layers(net)


def test_the_notes_name_what_is_left_out(graph):
    notes = filter_layers(graph(LAYERS, phase=Phase.TRAIN))
    assert notes[:2] == ["test (Any) is left out", "not_train (Any) is left out"]
    assert len(notes) == 9


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (
            "phase: TRAIN",
            "The NetState phase (1) differed from the phase (0) specified by a rule in layer x",
        ),
        (
            "min_level: 2",
            "The NetState level (1) is below the min_level (2) specified by a rule in layer x",
        ),
        (
            "max_level: 0",
            "The NetState level (1) is above the max_level (0) specified by a rule in layer x",
        ),
        ('stage: "b"', "The NetState did not contain stage 'b' specified by a rule in layer x"),
        (
            'not_stage: "a"',
            "The NetState contained a not_stage 'a' specified by a rule in layer x",
        ),
    ],
)
def test_the_log_says_why_in_caffes_words(graph, messages, rule, line):
    layer = f'layer {{ name: "x" type: "Any" include {{ {rule} }} }}'
    filter_layers(graph(layer, level=1, stages=("a",)))
    assert messages() == [line]
