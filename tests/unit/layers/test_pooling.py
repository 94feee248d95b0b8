"""Pooling: where windows stand, odd values, drawing, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from caffe_layer_pooling.windows import Windows
from hypothesis import given
from hypothesis import strategies as st

from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}
layer {{ name: "pool" type: "Pooling" bottom: "x" {tops} pooling_param {{ {params} }} }}
"""
LOWEST = np.finfo(np.float32).min


def make(params, shape=(1, 1, 6, 6), phase=Phase.TRAIN, mask=False, **options):
    dims = " ".join(f"dim: {length}" for length in shape)
    tops = 'top: "y" top: "mask"' if mask else 'top: "y"'
    return Net(NET.format(dims=dims, params=params, tops=tops), phase, seed=2, **options)


def pooled(params, x, **options):
    """The net after forward and backward with top diffs of 1."""
    x = np.asarray(x, np.float32)
    net = make(params, (1,) * (4 - x.ndim) + x.shape, **options)
    net.blobs["x"].data[...] = x
    net.forward()
    net.blobs["y"].diff[...] = 1
    net.backward()
    return net


@given(
    length=st.integers(1, 9),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 6),
    pad=st.integers(0, 4),
    ceil=st.booleans(),
)
def test_taps_are_the_elements_of_the_windows(length, kernel, stride, pad, ceil):
    if pad >= kernel or length + 2 * pad < kernel:
        return
    windows = Windows.over(length, kernel, stride, pad, ceil=ceil, clip=pad > 0)
    expected = {
        (number, window, window * stride - pad + number)
        for window in range(windows.count)
        for number in range(kernel)
        if 0 <= window * stride - pad + number < length
    }
    found = {
        (number, window, element)
        for number, tap in enumerate(windows.taps())
        for window, element in zip(
            range(windows.count)[tap.windows], range(length)[tap.elements], strict=True
        )
    }
    assert found == expected


@pytest.mark.parametrize(
    ("geometry", "ceil", "clip", "count"),
    [
        ((6, 3, 2, 0), True, False, 3),
        ((6, 3, 2, 0), False, False, 2),
        ((5, 2, 2, 1), True, True, 3),
        ((5, 2, 2, 1), True, False, 4),
        ((2, 3, 2, 0), True, False, 1),
        ((2, 5, 2, 0), True, False, 0),
    ],
)
def test_the_number_of_windows_is_that_of_caffe(geometry, ceil, clip, count):
    assert Windows.over(*geometry, ceil=ceil, clip=clip).count == count


@pytest.mark.parametrize(("method", "empty"), [("MAX", LOWEST), ("AVE", 0), ("STOCHASTIC", 0)])
@pytest.mark.parametrize("phase", list(Phase))
def test_windows_beyond_the_image_are_safe(method, empty, phase):
    x = np.arange(1, 37).reshape(6, 6)
    net = pooled(f"pool: {method} kernel_size: 1 stride: 4", x, phase=phase)
    expected = np.full((3, 3), empty, np.float32)
    expected[:2, :2] = x[::4, ::4]
    np.testing.assert_allclose(net.blobs["y"].data[0, 0], expected, rtol=1e-6)
    reached = np.zeros((6, 6))
    reached[::4, ::4] = 1
    np.testing.assert_allclose(net.blobs["x"].diff[0, 0], reached, rtol=1e-6)


def test_the_mask_of_a_window_beyond_the_image_is_minus_one():
    net = pooled("kernel_size: 1 stride: 4", np.ones((6, 6)), mask=True)
    assert net.blobs["mask"].data[0, 0].tolist() == [[0, 4, -1], [24, 28, -1], [-1, -1, -1]]


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("phase", list(Phase))
def test_the_first_of_equal_maxima_in_memory_wins(phase, memory_format):
    x = [[[0, 7, 7], [7, 7, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 5], [5, 0, 0]]]
    net = pooled("kernel_size: 3", x, phase=phase, memory_format=memory_format)
    wins = np.zeros((2, 3, 3))
    wins[0, 0, 1] = wins[1, 1, 2] = 1
    np.testing.assert_array_equal(net.blobs["x"].diff[0], wins)


def test_max_passes_over_nan():
    net = pooled(
        "kernel_size: 2 stride: 2", [[np.nan, 1, 2, np.nan], [0, -1, np.nan, 3]], mask=True
    )
    assert net.blobs["y"].data.ravel().tolist() == [1, 3]
    assert net.blobs["mask"].data.ravel().tolist() == [1, 7]


def test_a_global_window_may_have_more_than_256_elements():
    x = np.zeros((17, 300))
    x[16, 299] = 1
    net = pooled("global_pooling: true", x, mask=True)
    assert net.blobs["mask"].data.item() == x.size - 1
    np.testing.assert_array_equal(net.blobs["x"].diff[0, 0], x)


def draws(x, count=4000, **options):
    """The tops of a STOCHASTIC layer for `count` copies of one window, and the net."""
    x = np.asarray(x, np.float32)
    tiled = np.broadcast_to(x, (count, *x.shape))
    net = pooled("pool: STOCHASTIC kernel_size: 2", tiled, **options)
    return net.blobs["y"].data.ravel(), net


def test_stochastic_draws_in_proportion_to_the_value():
    y, net = draws([[1, 0], [3, 4]])
    shares = {value: (y == value).mean() for value in (0, 1, 3, 4)}
    assert shares == {
        0: 0,
        1: pytest.approx(1 / 8, abs=0.03),
        3: pytest.approx(3 / 8, abs=0.03),
        4: pytest.approx(4 / 8, abs=0.03),
    }
    drawn = net.blobs["x"].data[0] * net.blobs["x"].diff[0]
    np.testing.assert_array_equal(drawn.sum(axis=(1, 2)), y)
    np.testing.assert_array_equal(net.blobs["x"].diff[0].sum(axis=(1, 2)), 1)


def test_stochastic_in_test_phase_is_what_it_draws_on_average():
    window = [[1, 0.5], [3, 4]]
    expected, _ = draws(window, 1, phase=Phase.TEST)
    assert expected.item() == pytest.approx(draws(window)[0].mean(), rel=0.03)


def test_stochastic_draws_the_same_in_either_memory_format():
    x = np.random.default_rng(0).random((3, 5, 5))
    contiguous, other = (
        pooled("pool: STOCHASTIC kernel_size: 2", x, memory_format=memory_format)
        for memory_format in ("contiguous", "channels_last")
    )
    np.testing.assert_array_equal(contiguous.blobs["y"].data, other.blobs["y"].data)


@pytest.mark.parametrize("phase", list(Phase))
def test_stochastic_of_nothing_but_zeros_is_zero(phase):
    y, net = draws([[0, 0], [0, 0]], 1, phase=phase)
    assert y.item() == 0
    assert np.isfinite(net.blobs["x"].diff).all()


def test_no_items_are_no_trouble():
    for method in ("MAX", "AVE", "STOCHASTIC"):
        net = make(f"pool: {method} kernel_size: 2", (0, 2, 4, 4))
        net.forward()
        net.backward()
        assert net.blobs["y"].shape == (0, 2, 3, 3)


REFUSED = [
    ("", "give either kernel_size, or both kernel_h and kernel_w"),
    ("kernel_h: 2", "give either kernel_size, or both kernel_h and kernel_w"),
    ("kernel_size: 2 kernel_h: 2 kernel_w: 2", "give either kernel_size, or both"),
    ("kernel_size: 0", r"the kernel is \(0, 0\), but each side must be at least 1"),
    ("kernel_size: 2 pad_h: 1", "give either pad, or both pad_h and pad_w"),
    ("kernel_size: 2 stride: 1 stride_h: 1 stride_w: 1", "give either stride, or both stride_h"),
    ("kernel_size: 2 stride: 0", r"the stride is \(0, 0\), but must be at least 1"),
    ("kernel_size: 2 pad: 2", r"pad \(2, 2\) must be less than the kernel \(2, 2\)"),
    ("kernel_size: 9", r"a window of \(9, 9\) does not fit bottom 'x' \(1, 1, 6, 6\) with pad"),
    ("kernel_size: 2 global_pooling: true", "global_pooling takes the whole image; remove"),
    ("global_pooling: true stride: 2", "global_pooling needs pad 0 and stride 1; remove"),
    ("pool: STOCHASTIC kernel_size: 2 pad: 1", "pool: STOCHASTIC takes no pad; set pad to 0"),
]


@pytest.mark.parametrize(("params", "message"), REFUSED)
def test_refusals_say_what_to_do(params, message):
    with pytest.raises(LayerError, match=rf"^pool \(Pooling\): {message}"):
        make(params)


def test_only_max_has_a_mask():
    with pytest.raises(LayerError, match="only pool: MAX has a second top, the mask; remove it"):
        make("pool: AVE kernel_size: 2", mask=True)


def test_images_have_four_axes():
    with pytest.raises(LayerError, match=r"bottom 'x' has shape \(2, 3, 4\), expected 4 axes"):
        make("kernel_size: 2", (2, 3, 4))
