"""Im2col: what stands in each column, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}
layer {{ name: "it" type: "Im2col" bottom: "x" top: "y" convolution_param {{ {param} }} }}
"""


def make(param, shape):
    dims = " ".join(f"dim: {dim}" for dim in shape)
    return Net(NET.format(dims=dims, param=param), Phase.TRAIN)


@settings(deadline=None, max_examples=40)
@given(
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    pad=st.integers(0, 2),
    dilation=st.integers(1, 2),
)
def test_columns_and_their_gradient(kernel, stride, pad, dilation):
    net = make(
        f"kernel_size: {kernel} stride: {stride} pad: {pad} dilation: {dilation}", (2, 2, 6, 5)
    )
    x, y = net.blobs["x"], net.blobs["y"]
    x.data[...] = np.random.default_rng(0).standard_normal(x.shape)
    net.forward()
    y.diff[...] = np.random.default_rng(1).standard_normal(y.shape)
    net.backward()
    padded = np.pad(x.data, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    gradient = np.zeros_like(padded)
    columns = y.data.reshape(2, 2, kernel, kernel, *y.shape[2:])
    diffs = y.diff.reshape(columns.shape)
    for i, j, row, column in np.ndindex(*columns.shape[2:]):
        at = (..., row * stride + i * dilation, column * stride + j * dilation)
        np.testing.assert_array_equal(columns[:, :, i, j, row, column], padded[at])
        gradient[at] += diffs[:, :, i, j, row, column]
    inside = gradient[:, :, pad : pad + 6, pad : pad + 5]
    np.testing.assert_allclose(x.diff, inside, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("param", "shape", "message"),
    [
        ("", (1, 2, 4, 4), "the kernel is 0x0|kernel_size is given 0 times"),
        ("kernel_size: 2", (1, 2), r"'x' \(1, 2\) has no spatial axes .* axis 1; reshape it"),
        ("kernel_size: 6", (1, 2, 4, 4), r"the kernel covers \(6, 6\), bottom 'x' .* is smaller"),
        ("kernel_size: 2 axis: 4", (1, 2, 4, 4), "axis 4 is out of range"),
    ],
)
def test_refusals(param, shape, message):
    with pytest.raises(LayerError, match=rf"^it \(Im2col\): .*({message})"):
        make(param, shape)
