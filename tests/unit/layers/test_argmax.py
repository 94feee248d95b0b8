"""ArgMax: order, ties and odd values, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_core.errors import LayerError

VALUES = st.sampled_from([-math.inf, -3.5, -1.0, 0.0, 0.5, 2.0, math.inf])


def largest(values, top_k):
    """What Caffe sorts: pairs of value and index, greatest first."""
    pairs = sorted(((float(v), i) for i, v in enumerate(values)), reverse=True)[:top_k]
    return [i for _, i in pairs], [v for v, _ in pairs]


def found(one_layer, param, x, **options):
    x = np.asarray(x, np.float32)
    net = one_layer(f"type: 'ArgMax' argmax_param {{ {param} }}", x.shape, **options)
    net.blobs["x0"].data[...] = x
    net.forward()
    return net.blobs["y0"].data


@settings(deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=7), data=st.data())
def test_the_greatest_pairs_come_first(one_layer, values, data):
    top_k = data.draw(st.integers(1, len(values)))
    y = found(one_layer, f"top_k: {top_k} out_max_val: true", [values])
    indices, best = largest(values, top_k)
    assert y[0].tolist() == [indices, best]


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize(("axis", "top_k"), [(0, 2), (1, 3), (2, 1), (-1, 4)])
def test_along_an_axis(one_layer, axis, top_k, memory_format):
    x = np.random.default_rng(0).integers(0, 4, (3, 3, 2, 4))
    options = {"memory_format": memory_format}
    indices = found(one_layer, f"axis: {axis} top_k: {top_k}", x, **options)
    values = found(one_layer, f"axis: {axis} top_k: {top_k} out_max_val: true", x, **options)
    for at in np.ndindex(*np.delete(x.shape, axis)):
        line = (*at[: axis % 4], slice(None), *at[axis % 4 :])
        assert [indices[line].tolist(), values[line].tolist()] == list(largest(x[line], top_k))


@pytest.mark.parametrize(
    ("shape", "top"),
    [((3,), (3, 1, 1)), ((3, 4), (3, 1, 1)), ((3, 4, 2), (3, 1, 1)), ((3, 1, 2, 2), (3, 1, 1, 1))],
)
def test_the_top_has_three_axes_or_more(one_layer, shape, top):
    assert found(one_layer, "", np.zeros(shape)).shape == top


def test_nan_counts_as_the_least(one_layer):
    nan = math.nan
    x = [[nan, 1, nan, 2], [nan, nan, nan, -math.inf], [nan, nan, nan, nan]]
    y = found(one_layer, "top_k: 4", x)[:, 0]
    assert y[0, :2].tolist() == [3, 1]
    for row in y:
        assert sorted(row) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ("top_k: 0", "top_k must be at least 1"),
        ("top_k: 13", r"top_k is 13, bottom 'x0' \(2, 3, 4\) has 12 values in an item"),
        ("top_k: 4 axis: 1", "top_k is 4, .* has 3 values along axis 1; lower top_k"),
        ("axis: 3", "axis 3 is out of range"),
    ],
)
def test_refusals(one_layer, param, message):
    with pytest.raises(LayerError, match=rf"^it \(ArgMax\): {message}"):
        found(one_layer, param, np.zeros((2, 3, 4)))


def test_a_gradient_is_refused(one_layer):
    net = one_layer("type: 'ArgMax' loss_weight: 1 propagate_down: true", (2, 3))
    net.forward()
    with pytest.raises(LayerError, match="'x0' is asked for a gradient, but an index has none"):
        net.backward()
