"""SPP: its bins, levels and random numbers, and what it refuses."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from caffe_core.errors import LayerError
from caffe_core.net import Net

NET = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}
layer {{ name: "it" type: "SPP" bottom: "x" top: "y" spp_param {{ {param} }} }}
"""


def make(param, shape, **options):
    dims = " ".join(f"dim: {dim}" for dim in shape)
    return Net(NET.format(dims=dims, param=param), **{"seed": 3} | options)


def spans(side, bins):
    """What each bin sees along a side, as Caffe pads it."""
    size = -(-side // bins)
    pad = (size * bins - side + 1) // 2
    return [(max(i * size - pad, 0), min((i + 1) * size - pad, side)) for i in range(bins)]


@settings(deadline=None, max_examples=30)
@given(high=st.integers(4, 20), wide=st.integers(4, 20), height=st.integers(1, 3))
def test_every_bin_is_the_maximum_of_its_part(high, wide, height):
    shape = (2, 2, high, wide)
    bins = 2 ** (height - 1)
    assume(all(low < high for side in shape[2:] for low, high in spans(side, bins)))
    net = make(f"pyramid_height: {height}", shape)
    x = net.blobs["x"].data
    x[...] = np.random.default_rng(0).standard_normal(shape)
    net.forward()
    expected = np.concatenate(
        [
            np.stack(
                [x[:, :, a:b, c:d].max((2, 3)) for a, b in rows for c, d in columns], axis=-1
            ).reshape(2, -1)
            for rows, columns in (
                (spans(high, 2**level), spans(wide, 2**level)) for level in range(height)
            )
        ],
        axis=1,
    )
    np.testing.assert_array_equal(net.blobs["y"].data.reshape(2, -1), expected)


def test_images_of_any_size_give_vectors_of_one_length():
    net = make("pyramid_height: 3", (1, 2, 8, 8))
    for size in ((9, 12), (40, 16), (8, 8)):
        net.blobs["x"].reshape(1, 2, *size)
        net.forward()
        assert net.blobs["y"].shape == (1, 42)


def test_random_levels_go_on_from_a_state():
    net = make("pyramid_height: 2 pool: STOCHASTIC", (2, 3, 8, 8), phase=0)
    net.blobs["x"].data[...] = np.random.default_rng(0).random((2, 3, 8, 8))
    net.forward()
    state = copy.deepcopy(net.state())
    net.forward()
    expected = net.blobs["y"].data.copy()
    net.forward()
    assert (net.blobs["y"].data != expected).any()
    net.restore(state)
    net.forward()
    np.testing.assert_array_equal(net.blobs["y"].data, expected)


@pytest.mark.parametrize(
    ("param", "shape", "message"),
    [
        ("", (1, 1, 8, 8), "pyramid_height must be at least 1"),
        ("pyramid_height: 2", (1, 8, 8), r"'x' has shape \(1, 8, 8\), expected 4 axes"),
        ("pyramid_height: 4", (1, 1, 9, 9), r"8 bins along sides of \(9, 9\) .* would be empty"),
        (
            "pyramid_height: 2 pool: STOCHASTIC",
            (1, 1, 8, 7),
            r"2 bins along sides of \(8, 7\) in bottom 'x' need padding",
        ),
    ],
)
def test_refusals(param, shape, message):
    with pytest.raises(LayerError, match=rf"^it \(SPP\): .*{message}"):
        make(param, shape)
