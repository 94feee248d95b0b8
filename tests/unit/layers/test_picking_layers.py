"""BatchReindex, Embed and Filter: which items they pick, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net

FILTERED = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 2 dim: 3 dim: 2 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 4 } } }
layer { name: "select" type: "Input" top: "select" input_param { shape { dim: 4 dim: 1 dim: 1 } } }
layer {
  name: "conv" type: "Convolution" bottom: "x" top: "conv"
  convolution_param { num_output: 3 kernel_size: 2 weight_filler { type: "xavier" } }
}
layer {
  name: "filter" type: "Filter" bottom: "conv" bottom: "label" bottom: "select"
  top: "kept" top: "kept_label"
}
layer {
  name: "flat" type: "Reshape" bottom: "kept" top: "flat" reshape_param { shape { dim: 0 dim: -1 } }
}
layer {
  name: "ip" type: "InnerProduct" bottom: "flat" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } }
}
layer {
  name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "kept_label" top: "loss"
  propagate_down: true propagate_down: false
}
"""


def fill(net, **values):
    for name, value in values.items():
        net.blobs[name].data[...] = value
    net.forward()


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_items_picked_repeatedly_get_the_sum_of_the_gradients(one_layer, memory_format):
    net = one_layer("type: 'BatchReindex'", (3, 2, 3, 2), (4,), memory_format=memory_format)
    x = np.random.default_rng(0).standard_normal((3, 2, 3, 2))
    fill(net, x0=x, x1=[2, 0, 2, 2])
    np.testing.assert_array_equal(net.blobs["y0"].data, x.astype(np.float32)[[2, 0, 2, 2]])
    dy = np.random.default_rng(1).standard_normal((4, 2, 3, 2))
    net.blobs["y0"].diff[...] = dy
    net.backward()
    expected = [dy[1], np.zeros_like(dy[1]), dy[0] + dy[2] + dy[3]]
    np.testing.assert_allclose(net.blobs["x0"].diff, expected, rtol=1e-5)


def test_no_index_gives_no_items(one_layer):
    net = one_layer("type: 'BatchReindex'", (3, 2), (0,))
    net.blobs["x0"].diff[...] = 5
    net.forward()
    net.backward()
    assert net.blobs["y0"].shape == (0, 2)
    assert (net.blobs["x0"].diff == 0).all()


def test_the_gradient_of_a_table_is_added_up(one_layer):
    net = one_layer("type: 'Embed' embed_param { input_dim: 3 num_output: 2 }", (2, 2))
    fill(net, x0=[[0, 2], [2, 2]])
    net.blobs["y0"].diff[...] = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    for times in (1, 2):
        net.backward()
        assert net.params["it"][0].diff.tolist() == [
            [1 * times, 2 * times], [0, 0], [15 * times, 18 * times]
        ]  # fmt: skip
        assert net.params["it"][1].diff.tolist() == [16 * times, 20 * times]


def test_force_backward_leaves_indices_out(one_layer):
    net = one_layer("type: 'Embed' embed_param { input_dim: 3 num_output: 2 }", (4,))
    assert net.nodes[-1].propagate_down == [False]
    assert one_layer("type: 'BatchReindex'", (3, 2), (4,)).nodes[-1].propagate_down == [True, False]
    filters = one_layer("type: 'Filter'", (3, 2), (3, 1), (3,), tops=2)
    assert filters.nodes[-1].propagate_down == [True, True, False]


def test_filter_keeps_what_is_not_zero(one_layer):
    net = one_layer("type: 'Filter'", (5, 2), (5, 1, 1, 1))
    x = np.arange(10).reshape(5, 2)
    fill(net, x0=x, x1=np.reshape([0, -1, 0.5, 0, np.nan], (5, 1, 1, 1)))
    assert net.blobs["y0"].data.tolist() == x[[1, 2, 4]].tolist()
    net.blobs["y0"].diff[...] = 7
    net.blobs["x0"].diff[...] = 9
    net.backward()
    assert net.blobs["x0"].diff[:, 0].tolist() == [0, 7, 7, 0, 7]


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last", "auto"])
def test_layers_above_a_filter_follow_its_choice(memory_format):
    net = Net(FILTERED, Phase.TRAIN, seed=1, memory_format=memory_format)
    assert net.blobs["kept"].shape == (4, 3, 2, 1)
    rng = np.random.default_rng(0)
    for select in ([1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1], [0] * 6, [1] * 6):
        items = len(select)
        net.blobs["x"].reshape(items, 2, 3, 2)
        net.blobs["label"].reshape(items)
        net.blobs["select"].reshape(items, 1, 1)
        net.clear_param_diffs()
        x = rng.standard_normal((items, 2, 3, 2))
        fill(net, x=x, label=np.arange(items) % 3, select=np.reshape(select, (items, 1, 1)))
        net.backward()
        kept = np.flatnonzero(select)
        assert net.blobs["ip"].shape == (len(kept), 3)
        np.testing.assert_array_equal(net.blobs["kept"].data, net.blobs["conv"].data[kept])
        np.testing.assert_array_equal(net.blobs["kept_label"].data, kept % 3)
        gradient = np.abs(net.blobs["conv"].diff).sum((1, 2, 3))
        assert np.flatnonzero(gradient).tolist() == kept.tolist()


EMBED = "type: 'Embed' embed_param {{ {} }}"


@pytest.mark.parametrize(
    ("definition", "shapes", "tops", "message"),
    [
        (EMBED.format("num_output: 2"), [(2,)], 1, "input_dim and num_output .* are 0 and 2"),
        (EMBED.format("input_dim: 2"), [(2,)], 1, "input_dim and num_output .* are 2 and 0"),
        ("type: 'BatchReindex'", [(2, 3), (2, 1)], 1, r"bottom 'x1' is \(2, 1\); reshape them"),
        ("type: 'BatchReindex'", [(), (2,)], 1, r"bottom 'x0' is \(\), bottom 'x1' is \(2,\)"),
        ("type: 'Filter'", [(2, 3), (2,)], 2, "has 2 bottoms and 2 tops, expected a top for each"),
        ("type: 'Filter'", [(2, 3), (2, 2)], 1, r"the selector 'x1' has shape \(2, 2\)"),
        ("type: 'Filter'", [(2, 3), ()], 1, r"the selector 'x1' has shape \(\)"),
        ("type: 'Filter'", [(2, 3), (3, 3), (2,)], 2, r"'x1' \(3, 3\) .*'x2', which has 2"),
    ],
)
def test_refusals(one_layer, definition, shapes, tops, message):
    with pytest.raises(LayerError, match=rf"^it \(\w+\): .*{message}"):
        one_layer(definition, *shapes, tops=tops)


@pytest.mark.parametrize(
    ("definition", "shapes", "indices", "message"),
    [
        (EMBED.format("input_dim: 3 num_output: 1"), [(2,)], [1, 3], "'x0' .* 3 rows of the table"),
        ("type: 'BatchReindex'", [(3, 2), (2,)], [-1, 2], "'x1' .* 3 items of bottom 'x0'"),
    ],
)
def test_an_index_out_of_range_is_refused(one_layer, definition, shapes, indices, message):
    net = one_layer(definition, *shapes)
    with pytest.raises(LayerError, match=rf"^it \(\w+\): index \S+ at \(\d,\) .* {message}"):
        fill(net, **{f"x{len(shapes) - 1}": indices})


@pytest.mark.parametrize(
    ("definition", "shapes"),
    [
        (EMBED.format("input_dim: 3 num_output: 1"), [(2,)]),
        ("type: 'BatchReindex'", [(3, 2), (2,)]),
        ("type: 'Filter'", [(2, 2), (2,)]),
    ],
)
def test_a_gradient_for_indices_is_refused(one_layer, definition, shapes):
    net = one_layer(definition + " loss_weight: 1" + " propagate_down: true" * len(shapes), *shapes)
    net.forward()
    with pytest.raises(LayerError, match=r"^it \(\w+\): .* asked for a gradient, but .* none"):
        net.backward()
