"""Crop, Flatten, Reshape, Slice, Tile, Reduction and Parameter: shapes, memory and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import LayerError, NetError
from caffe_core.layer import Phase
from caffe_core.net import Net


def shape_of(one_layer, definition, *shapes):
    return one_layer(definition, *shapes).blobs["y0"].shape


RESHAPE = "type: 'Reshape' reshape_param {{ {} }}"


@pytest.mark.parametrize(
    ("param", "bottom", "top"),
    [
        ("shape { dim: 0 dim: -1 }", (0, 3, 4), (0, 12)),
        ("shape { dim: -1 dim: 12 }", (0, 3, 4), (0, 12)),
        ("shape { dim: 0 dim: -1 dim: 2 }", (0, 3, 4), (0, 6, 2)),
        ("shape { dim: 0 } num_axes: 2", (3, 1, 4), (3, 4)),
        ("shape {} axis: 1 num_axes: 1", (3, 1, 4), (3, 4)),
        ("shape {}", (1, 1), ()),
        ("shape { dim: 1 dim: 1 }", (), (1, 1)),
        ("shape { dim: -1 } axis: -1", (2, 3), (2, 3, 1)),
        ("shape { dim: 2 dim: 1 } axis: 1 num_axes: 1", (3, 2, 4), (3, 2, 1, 4)),
        ("shape { dim: 1 dim: 0 } axis: 1 num_axes: 0", (2, 1, 1), (2, 1, 1, 1, 1)),
    ],
)
def test_reshape(one_layer, param, bottom, top):
    assert shape_of(one_layer, RESHAPE.format(param), bottom) == top


@pytest.mark.parametrize(
    ("definition", "shapes", "message"),
    [
        (RESHAPE.format("shape { dim: -1 dim: -1 }"), [(2, 3)], r"the shape is \[-1, -1\]"),
        (RESHAPE.format("shape { dim: -2 dim: 3 }"), [(2, 3)], r"the shape is \[-2, 3\]"),
        (RESHAPE.format("shape { dim: 4 dim: -1 }"), [(2, 3)], "'x0' .* 6 values, .* do not fill"),
        (RESHAPE.format("shape { dim: 7 }"), [(2, 3)], r"do not fill the shape \(7,\)"),
        (RESHAPE.format("shape { dim: 6 dim: 1 dim: 0 }"), [(2, 3)], "dim 2 of .* copies axis 2"),
        (RESHAPE.format("axis: 3"), [(2, 3)], "axis 3 and num_axes -1 replace axes 3 to 1"),
        (RESHAPE.format("axis: -4"), [(2, 3)], "axis -4 and num_axes -1 replace axes -1 to 1"),
        (RESHAPE.format("axis: 1 num_axes: 2"), [(2, 3)], "axis 1 and num_axes 2 replace axes 1"),
        (RESHAPE.format("num_axes: -2"), [(2, 3)], "axis 0 and num_axes -2"),
        (
            "type: 'Flatten' flatten_param { axis: 2 end_axis: 0 }",
            [(2, 3, 4)],
            "axis 2 comes after end_axis 0",
        ),
        ("type: 'Flatten' flatten_param { axis: 3 }", [(2, 3, 4)], "axis 3 is out of range"),
        (
            "type: 'Crop'",
            [(2, 3, 4, 5), (2, 3, 4)],
            "'x1' .* must have a length for each",
        ),
        ("type: 'Crop'", [(2, 3, 4, 5), (2, 3, 4, 6)], "along axis 3, 0 to 6 of bottom 'x0'"),
        (
            "type: 'Crop' crop_param { offset: 0 offset: 2 }",
            [(2, 3, 4, 5), (2, 3, 4, 4)],
            "along axis 3, 2 to 6 of bottom 'x0'",
        ),
        (
            "type: 'Crop' crop_param { axis: 1 offset: 0 offset: 2 }",
            [(2, 3, 4, 5)] * 2,
            "offset is given 2 times, expected once, or once for each of the 3 axes",
        ),
        ("type: 'Tile'", [(2, 3)], "tiles must be at least 1, got 0"),
        ("type: 'Tile' tile_param { tiles: -1 }", [(2, 3)], "tiles must be at least 1, got -1"),
        ("type: 'Tile' tile_param { tiles: 2 axis: 2 }", [(2, 3)], "axis 2 is out of range"),
        ("type: 'Reduction' reduction_param { axis: -3 }", [(2, 3)], "axis -3 is out of range"),
        ("type: 'Parameter' parameter_param { shape { dim: -1 } }", [], "must not be negative"),
    ],
)
def test_refusals(one_layer, definition, shapes, message):
    with pytest.raises(LayerError, match=rf"^it \(\w+\): .*{message}"):
        one_layer(definition, *shapes)


@pytest.mark.parametrize(
    ("param", "tops", "message"),
    [
        ("slice_point: 2", 3, "slice_point is given 1 times for 3 tops; give it 2 times"),
        ("slice_point: 2 slice_point: 4", 2, "slice_point is given 2 times for 2 tops"),
        ("slice_point: 4 slice_point: 2", 3, r"\[4, 2\]; expected numbers that rise from 1"),
        ("slice_point: 0", 2, r"\[0\]; expected numbers that rise"),
        ("slice_point: 6", 2, r"\[6\]; .* less than 6, the length of axis 1 of bottom 'x0'"),
        ("", 4, "has length 6, which 4 tops cannot share equally"),
        ("axis: 1 slice_dim: 1", 2, "axis and slice_dim are both given; remove slice_dim"),
        ("slice_dim: 3", 2, "axis 3 is out of range"),
    ],
)
def test_what_slice_refuses(one_layer, param, tops, message):
    with pytest.raises(LayerError, match=rf"^it \(Slice\): .*{message}"):
        one_layer(f"type: 'Slice' slice_param {{ {param} }}", (2, 6, 2), tops=tops)


@pytest.mark.parametrize(
    "definition", ["type: 'Flatten'", RESHAPE.format("shape { dim: 0 dim: -1 }"), "type: 'Slice'"]
)
def test_top_and_bottom_are_the_same_memory(one_layer, definition):
    net = one_layer(definition, (2, 3, 4))
    x, y = net.blobs["x0"], net.blobs["y0"]
    for x_array, y_array in ((x.data, y.data), (x.diff, y.diff)):
        assert np.shares_memory(x_array, y_array)
    x.reshape(5, 3, 4)
    net.forward()
    x.data[...] = 7
    y.diff[...] = 8
    assert y.shape[0] == 5
    assert (y.data == 7).all()
    assert (x.diff == 8).all()


@pytest.mark.parametrize("definition", ["type: 'Flatten'", RESHAPE.format(""), "type: 'Slice'"])
def test_in_place_is_refused(one_layer, definition):
    with pytest.raises((LayerError, NetError), match="cannot run in place"):
        one_layer(definition, (2, 3), top="x0")


POOLED = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } } }
layer { name: "pool" type: "Pooling" bottom: "x" top: "pool" pooling_param { kernel_size: 2 } }
layer { name: "flat" type: "Flatten" bottom: "pool" top: "flat" }
"""


def test_a_reshaped_bottom_is_seen_in_its_logical_order():
    net = Net(POOLED, memory_format="channels_last")
    net.blobs["x"].data[...] = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    net.forward()
    pooled = np.array(net.blobs["pool"].data)
    np.testing.assert_array_equal(net.blobs["flat"].data, pooled.reshape(2, -1))


def test_what_crop_does_not_keep_gets_no_gradient(one_layer):
    net = one_layer("type: 'Crop' crop_param { offset: 1 }", (1, 1, 4, 3), (9, 9, 2, 2))
    net.blobs["x0"].diff[...] = net.blobs["x1"].diff[...] = 5
    net.forward()
    net.blobs["y0"].diff[...] = 1
    net.backward()
    expected = [[0, 0, 0], [0, 1, 1], [0, 1, 1], [0, 0, 0]]
    assert net.blobs["x0"].diff[0, 0].tolist() == expected
    assert (net.blobs["x1"].diff == 0).all()


def test_crop_looks_at_the_axes_it_cuts_only(one_layer):
    assert shape_of(one_layer, "type: 'Crop'", (2, 3, 4), (7, 8, 2, 9)) == (2, 3, 2)


@pytest.mark.parametrize(
    ("param", "result", "gradient"),
    [
        ("operation: ASUM", 3, [-1, 0, 1]),
        ("operation: SUMSQ coeff: 0.5", 2.5, [-2, 0, 1]),
        ("operation: MEAN coeff: -3", 1, [-1, -1, -1]),
        ("coeff: 0", 0, [0, 0, 0]),
    ],
)
def test_reduction(one_layer, param, result, gradient):
    net = one_layer(f"type: 'Reduction' loss_weight: 1 reduction_param {{ {param} }}", (3,))
    net.blobs["x0"].data[...] = [-2, 0, 1]
    assert net.forward() == pytest.approx(result)
    net.backward()
    assert net.blobs["y0"].shape == ()
    assert net.blobs["x0"].diff.tolist() == gradient


LEARNED = """
layer { name: "w" type: "Parameter" top: "w" parameter_param { shape { dim: 3 } } }
layer { name: "relu" type: "ReLU" bottom: "w" top: "w" }
layer { name: "loss" type: "Reduction" bottom: "w" top: "loss" loss_weight: 2 }
"""


def test_layers_in_place_leave_the_parameter_alone():
    net = Net(LEARNED, Phase.TRAIN)
    net.params["w"][0].data[...] = [-1, 2, 3]
    assert net.forward() == 10
    assert net.params["w"][0].data.tolist() == [-1, 2, 3]


def test_the_gradient_of_a_parameter_is_added_up():
    net = Net(LEARNED, Phase.TRAIN)
    net.params["w"][0].data[...] = [-1, 2, 3]
    net.clear_param_diffs()
    for times in (1, 2):
        net.forward_backward()
        assert net.params["w"][0].diff.tolist() == [0, 2 * times, 2 * times]


def test_a_parameter_without_shape_is_one_number(one_layer):
    assert one_layer("type: 'Parameter'").params["it"][0].shape == ()
