"""Deconvolution: the transpose of Convolution, upsampling, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}
layer {{ name: "layer" type: "{type}" bottom: "x" top: "y" convolution_param {{ {params} }} }}
"""
RNG = np.random.default_rng(4)


def make(params, shape, type_name="Deconvolution"):
    dims = " ".join(f"dim: {length}" for length in shape)
    net = NET.format(dims=dims, params=params, type=type_name)
    return Net(net, Phase.TRAIN, dtype=np.float64)


@pytest.mark.parametrize(
    ("params", "image"),
    [
        ("kernel_size: 3 stride: 2 pad: 1", (9, 7)),
        ("kernel_size: 2 stride: 3 group: 2", (8, 5)),
        ("kernel_size: 3 dilation: 2 pad: 3", (7,)),
        ("kernel_size: 2 kernel_size: 1 kernel_size: 3", (4, 3, 5)),
        ("kernel_size: 1", (6, 6)),
        ("kernel_size: 1", ()),
    ],
)
def test_it_is_the_transpose_of_convolution(params, image):
    down = make(f"num_output: 4 bias_term: false {params}", (2, 6, *image), "Convolution")
    up = make(f"num_output: 6 bias_term: false {params}", down.blobs["y"].shape)
    assert up.blobs["y"].shape == down.blobs["x"].shape
    assert up.params["layer"][0].shape == down.params["layer"][0].shape
    x, y = RNG.standard_normal((2, 6, *image)), RNG.standard_normal(down.blobs["y"].shape)
    weight = RNG.standard_normal(down.params["layer"][0].shape)
    for net, values in ((down, x), (up, y)):
        net.blobs["x"].data[...] = values
        net.params["layer"][0].data[...] = weight
        net.forward()
    np.testing.assert_allclose(np.vdot(down.blobs["y"].data, y), np.vdot(x, up.blobs["y"].data))


@pytest.mark.parametrize("factor", [2, 3])
def test_bilinear_upsampling(factor):
    kernel, pad = 2 * factor - factor % 2, factor // 2
    net = make(
        f"num_output: 2 group: 2 kernel_size: {kernel} stride: {factor} pad: {pad} "
        'bias_term: false weight_filler { type: "bilinear" }',
        (1, 2, 6, 6),
    )
    x = net.blobs["x"].data
    x[...] = np.arange(6)[:, None] + 10 * np.arange(6)
    net.forward()
    y = net.blobs["y"].data
    assert y.shape == (1, 2, 6 * factor, 6 * factor)
    inner = y[:, :, factor:-factor, factor:-factor]
    np.testing.assert_allclose(np.diff(inner, axis=2), 1 / factor)
    np.testing.assert_allclose(np.diff(inner, axis=3), 10 / factor)


def test_only_the_bias_reaches_what_no_filter_does():
    net = make("num_output: 3 kernel_size: 1 stride: 2", (1, 2, 3, 3))
    net.blobs["x"].data[...] = 1
    for blob, value in zip(net.params["layer"], (1, 0.5), strict=True):
        blob.data[...] = value
    net.forward()
    expected = np.full((5, 5), 0.5)
    expected[::2, ::2] = 2.5
    np.testing.assert_array_equal(net.blobs["y"].data[0], [expected] * 3)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            "num_output: 2 kernel_size: 3 pad: 3",
            r"layer \(Deconvolution\): bottom 'x' \(4, 4\) spreads to \(6, 6\), of which pad "
            r"\(3, 3\) is cut off at each end; use less pad",
        ),
        ("num_output: 3 kernel_size: 3 group: 2", "3 outputs cannot be split into 2 groups"),
        ("kernel_size: 3", "num_output must be at least 1"),
        ("num_output: 2 kernel_size: 0", "the kernel is 0x0"),
    ],
)
def test_what_is_refused(params, message):
    with pytest.raises(LayerError, match=message):
        make(params, (1, 2, 4, 4))
