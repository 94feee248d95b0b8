"""Convolution: refusals, and results that do not depend on how the work is cut."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core import correlation
from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}
layer {{ name: "conv" type: "Convolution" bottom: "x" top: "y" convolution_param {{ {params} }} }}
"""


def make(params, *shape):
    dims = " ".join(f"dim: {length}" for length in shape)
    net = Net(NET.format(dims=dims, params=params), Phase.TRAIN, dtype=np.float64)
    rng = np.random.default_rng(3)
    for blob in (net.blobs["x"], *net.params["conv"]):
        blob.data[...] = rng.standard_normal(blob.shape)
    net.blobs["y"].diff[...] = rng.standard_normal(net.blobs["y"].shape)
    return net


def results(net):
    net.forward()
    net.backward()
    diffs = [net.blobs["x"].diff, *(blob.diff for blob in net.params["conv"])]
    return [net.blobs["y"].data.copy(), *(diff.copy() for diff in diffs)]


CUT = [
    ("num_output: 4 kernel_size: 3 stride: 2 pad: 1 group: 2", (7, 4, 9, 6)),
    ("num_output: 3 kernel_size: 3 dilation: 2", (1, 2, 11)),
    ("num_output: 2 kernel_size: 2 kernel_size: 1 kernel_size: 3 pad: 1", (5, 2, 4, 3, 5)),
    ("num_output: 3 kernel_size: 1 axis: -1", (9, 4)),
]


@pytest.mark.parametrize(("params", "shape"), CUT)
@pytest.mark.parametrize(
    ("column_bytes", "images"), [(1, 1), (3000, 1), (1 << 20, 4), (1 << 20, 5)]
)
def test_results_do_not_depend_on_how_the_batch_is_cut(
    monkeypatch, params, shape, column_bytes, images
):
    expected = results(make(params, *shape))
    monkeypatch.setattr(correlation, "_COLUMN_BYTES", column_bytes)
    monkeypatch.setattr(correlation, "_MOST_IMAGES", images)
    for found, wanted in zip(results(make(params, *shape)), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("side", [5, 6])
def test_a_pointwise_kernel_is_a_matrix_at_every_position(side):
    net = make("num_output: 3 kernel_size: 1", 2, 4, side, side)
    net.forward()
    weight, bias = (blob.data for blob in net.params["conv"])
    expected = np.einsum("nchw,oc->nohw", net.blobs["x"].data, weight[:, :, 0, 0])
    expected += bias[:, None, None]
    np.testing.assert_allclose(net.blobs["y"].data, expected, rtol=1e-12)


def test_a_kernel_that_overhangs_by_less_than_a_stride_sees_zeros():
    net = make("num_output: 1 kernel_size: 4 stride: 2 bias_term: false", 1, 1, 3)
    net.forward()
    x, weight = net.blobs["x"].data[0, 0], net.params["conv"][0].data[0, 0]
    np.testing.assert_allclose(net.blobs["y"].data, [[[x @ weight[:3]]]], rtol=1e-12)


def test_axes_before_the_channel_axis_are_batch_axes():
    params = "num_output: 2 kernel_size: 3"
    spread = make(params + " axis: 2", 2, 3, 4, 9)
    flat = make(params, 6, 4, 9)
    for found, wanted in zip(results(spread), results(flat), strict=True):
        np.testing.assert_array_equal(found.ravel(), wanted.ravel())


def test_no_items_are_no_trouble():
    for params in ("num_output: 3 kernel_size: 1", "num_output: 3 kernel_size: 3 pad: 1"):
        net = make(params, 0, 2, 6, 6)
        y, _, weight_diff, _ = results(net)
        assert y.shape == (0, 3, 6, 6)
        assert not weight_diff.any()


REFUSED = [
    ("kernel_size: 3", (2, 3, 5, 5), "num_output must be at least 1; set"),
    ("num_output: 4", (2, 3, 5, 5), "kernel_size is given 0 times, expected once or once for each"),
    (
        "num_output: 4 kernel_size: 3 kernel_h: 3",
        (2, 3, 5, 5),
        "kernel_size and kernel_h or kernel_w are both given; drop one",
    ),
    ("num_output: 4 kernel_h: 3", (2, 3, 5, 5), "the kernel is 3x0, but each side must be"),
    (
        "num_output: 4 kernel_h: 3 kernel_w: 3",
        (2, 3, 5),
        "kernel_h and kernel_w need 2 spatial axes, there are 1; use kernel_size",
    ),
    (
        "num_output: 4 kernel_size: 3 pad: 1 pad: 1 pad: 1",
        (2, 3, 5, 5),
        "pad is given 3 times, expected once or once for each of the 2 spatial axes",
    ),
    ("num_output: 4 kernel_size: 3 stride: 0", (2, 3, 5, 5), "the stride is 0x0, but each must be"),
    (
        "num_output: 4 kernel_size: 3 group: 2",
        (2, 3, 5, 5),
        "3 channels cannot be split into 2 groups; group must divide",
    ),
    (
        "num_output: 3 kernel_size: 3 group: 2",
        (2, 4, 5, 5),
        "3 outputs cannot be split into 2 groups; group must divide",
    ),
    (
        "num_output: 4 kernel_size: 9 pad: 1",
        (2, 3, 5, 5),
        r"the kernel covers \(9, 9\), but bottom 'x' with its padding is \(7, 7\); use a smaller",
    ),
    ("num_output: 4 kernel_size: 3 axis: 4", (2, 3, 5, 5), "axis 4 is out of range"),
]


@pytest.mark.parametrize(("params", "shape", "message"), REFUSED)
def test_refusals_say_what_to_do(params, shape, message):
    with pytest.raises(LayerError, match=rf"^conv \(Convolution\): {message}"):
        make(params, *shape)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 4, 5, 5), r"weight \(4, 3, 3, 3\) in 1 groups takes 3 input channels, bottom 'x' "),
        ((2, 3, 5), r"bottom 'x' has shape \(2, 3, 5\), but it had 4 axes at first"),
    ],
)
def test_channels_and_axes_are_fixed(shape, message):
    net = make("num_output: 4 kernel_size: 3", 2, 3, 5, 5)
    net.blobs["x"].reshape(shape)
    with pytest.raises(LayerError, match=message):
        net.forward()


def test_all_bottoms_have_one_shape():
    text = """
        layer { name: "a" type: "Input" top: "a" input_param { shape { dim: 1 dim: 1 dim: 3 } } }
        layer { name: "b" type: "Input" top: "b" input_param { shape { dim: 1 dim: 1 dim: 4 } } }
        layer { name: "conv" type: "Convolution" bottom: "a" bottom: "b" top: "y" top: "z"
          convolution_param { num_output: 1 kernel_size: 2 } }
    """
    message = r"bottom 'b' has shape \(1, 1, 4\), bottom 'a' \(1, 1, 3\); all bottoms must have"
    with pytest.raises(LayerError, match=message):
        Net(text)
