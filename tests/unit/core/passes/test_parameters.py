from __future__ import annotations

import pytest

from caffe_core.errors import NetError
from caffe_core.passes import gather_parameters, insert_splits, set_up_layers


def gathered(graph):
    insert_splits(graph)
    set_up_layers(graph)
    notes = gather_parameters(graph)
    return graph, notes


def chain(first, second, shape="dim: 4 dim: 3", type_="Gain"):
    """Two layers with a learned blob of shape (3,), each with what is given between its braces."""
    return f"""
        layer {{ name: "d" type: "Input" top: "x" input_param {{ shape {{ {shape} }} }} }}
        layer {{ name: "g" type: "Gain" bottom: "x" top: "y" {first} }}
        layer {{ name: "h" type: "{type_}" bottom: "y" top: "z" {second} }}
    """


def test_each_learned_blob_is_listed_once_with_its_factors(graph):
    net, notes = gathered(graph(chain("param { lr_mult: 2 decay_mult: 0.5 }", "")))
    assert [(p.name, p.lr_mult, p.decay_mult) for p in net.learnable] == [
        ("g[0]", 2, 0.5),
        ("h[0]", 1, 1),
    ]
    assert net.params == {"g": [net.learnable[0].blob], "h": [net.learnable[1].blob]}
    assert notes == ["2 learned blobs, 6 values"]


def test_two_layers_of_one_name_that_learn_are_worth_a_warning(graph, messages):
    gathered(graph(chain("", "").replace('name: "h"', 'name: "g"')))
    assert messages()[-1] == (
        "g (Gain): another layer with learned blobs has this name too, so weight files keep "
        "those of one of them only; rename it"
    )


def test_a_name_alone_shares_nothing(graph):
    net, _ = gathered(graph(chain('param { name: "w" }', "")))
    assert [p.name for p in net.learnable] == ["w", "h[0]"]


def test_blobs_of_one_name_share_data_and_diff_and_count_once(graph, messages):
    net, notes = gathered(graph(chain('param { name: "w" }', 'param { name: "w" }')))
    (w,) = net.learnable
    mine, other = net.params["g"][0], net.params["h"][0]
    assert w.blob is mine
    mine.data[...] = [1, 2, 3]
    mine.diff[...] = [4, 5, 6]
    assert other.data.tolist() == [1, 2, 3]
    assert other.diff.tolist() == [4, 5, 6]
    assert notes == ["1 learned blobs, 3 values", "h shares 'w' with g"]
    assert messages()[-1] == "Sharing parameters 'w' owned by layer 'g'"


FLAT = """
layer { name: "d" type: "Input" top: "x" top: "u"
  input_param { shape { dim: 4 dim: 3 dim: 2 } shape { dim: 4 dim: 6 } } }
layer { name: "g" type: "Gain" bottom: "x" top: "y" param { name: "w" } }
layer { name: "h" type: "Gain" bottom: "u" top: "v" param { name: "w" %s } }
"""


def test_sharing_needs_one_shape(graph):
    with pytest.raises(NetError) as caught:
        gathered(graph(FLAT % ""))
    assert str(caught.value) == (
        "h (Gain): parameter 'w' owned by g (Gain) has shape (3, 2), this layer needs (6,); "
        "use one shape, or set share_mode: PERMISSIVE if only the counts must agree"
    )


def test_permissive_sharing_needs_one_count_only(graph):
    net, _ = gathered(graph(FLAT % "share_mode: PERMISSIVE"))
    net.params["g"][0].data[...] = [[0, 1], [2, 3], [4, 5]]
    assert net.params["h"][0].data.tolist() == [0, 1, 2, 3, 4, 5]


def test_permissive_sharing_with_another_count(graph):
    text = FLAT.replace("dim: 4 dim: 6", "dim: 4 dim: 5") % "share_mode: PERMISSIVE"
    with pytest.raises(NetError) as caught:
        gathered(graph(text))
    assert str(caught.value) == (
        "h (Gain): parameter 'w' owned by g (Gain) has 6 values (3, 2), "
        "this layer needs 5 (5,); share blobs of one size"
    )


@pytest.mark.parametrize("factor", ["lr_mult", "decay_mult"])
def test_shared_blobs_have_one_factor(graph, factor):
    text = chain(f'param {{ name: "w" {factor}: 2 }}', f'param {{ name: "w" {factor}: 3 }}')
    with pytest.raises(NetError) as caught:
        gathered(graph(text))
    assert str(caught.value) == (
        f"h (Gain): parameter 'w' owned by g (Gain) has {factor} 2, here 3; give one value"
    )


@pytest.mark.parametrize("factor", ["lr_mult", "decay_mult"])
@pytest.mark.parametrize(
    ("first", "second", "expected"), [("2", "2", 2), ("2", "", 2), ("", "2", 2), ("", "", 1)]
)
def test_a_shared_factor_may_stand_anywhere(graph, factor, first, second, expected):
    params = [
        f'param {{ name: "w" {f"{factor}: {value}" if value else ""} }}'
        for value in (first, second)
    ]
    net, _ = gathered(graph(chain(*params)))
    assert getattr(net.learnable[0], factor) == expected


def test_more_params_than_learned_blobs(graph):
    with pytest.raises(NetError) as caught:
        gathered(graph(chain("param { lr_mult: 1 } param { lr_mult: 2 }", "")))
    assert str(caught.value) == (
        "g (Gain): Too many params specified: the layer has 1 learned blobs, "
        "`param` is given 2 times; remove 1"
    )


def test_params_of_a_layer_that_learns_nothing(graph):
    with pytest.raises(NetError, match=r"h \(Double\): Too many params specified: the layer has 0"):
        gathered(graph(chain("", "param { lr_mult: 1 }", type_="Double")))
