"""GroupNorm and LayerNorm: their formulas, corners, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}
layer {{ name: "norm" type: "{type}" bottom: "x" top: "{top}" {params} }}
"""
RNG = np.random.default_rng(5)


def build(type_name, params="", shape=(2, 4, 3, 3), top="y", **options):
    dims = " ".join(f"dim: {dim}" for dim in shape)
    text = NET.format(type=type_name, params=params, dims=dims, top=top)
    return Net(text, Phase.TRAIN, seed=1, **options)


def run(net, x, dy, top="y"):
    """Return the top, the bottom's diff, and those of scale and shift."""
    net.blobs["x"].data[...] = x
    net.clear_param_diffs()
    net.forward()
    y = net.blobs[top].data.copy()
    net.blobs[top].diff[...] = dy
    net.backward()
    learned = [blob.diff.copy() for blob in net.params.get("norm", [])]
    return y, net.blobs["x"].diff.copy(), *learned


def normalised(x, axes, eps=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_group_norm_is_its_formula(memory_format):
    x = RNG.normal(3, 2, (2, 6, 4, 5))
    net = build(
        "GroupNorm",
        "group_norm_param { groups: 3 eps: 0.01 }",
        x.shape,
        dtype=np.float64,
        memory_format=memory_format,
    )
    scale, shift = (blob.data for blob in net.params["norm"])
    assert scale.shape == shift.shape == (6,)
    assert (scale == 1).all()
    assert (shift == 0).all()
    scale[...], shift[...] = RNG.normal(size=(2, 6))
    each = normalised(x.reshape(2, 3, 2, 4, 5), (2, 3, 4), eps=0.01).reshape(x.shape)
    expected = each * scale[:, None, None] + shift[:, None, None]
    dy = RNG.normal(size=x.shape)
    y, _, dscale, dshift = run(net, x, dy)
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    np.testing.assert_allclose(dscale, (dy * each).sum((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(dshift, dy.sum((0, 2, 3)))


def test_group_norm_has_32_groups_by_default():
    x = RNG.normal(size=(2, 64, 3)).astype(np.float32)
    expected = normalised(x.reshape(2, 32, 2, 3), (2, 3)).reshape(x.shape)
    y, *_ = run(build("GroupNorm", shape=x.shape), x, 1)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_group_norm_of_one_group_is_layer_norm_but_for_scale_and_shift():
    x, dy = RNG.normal(size=(2, 2, 4, 3, 3))
    group = build("GroupNorm", "group_norm_param { groups: 1 affine: false }", x.shape)
    layer = build("LayerNorm", "layer_norm_param { affine: false }", x.shape)
    for ours, theirs in zip(run(group, x, dy), run(layer, x, dy), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("axis", "axes"), [(1, (1, 2, 3)), (2, (2, 3)), (-1, (3,)), (-3, (1, 2, 3))]
)
@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_layer_norm_is_its_formula(axis, axes, memory_format):
    x = RNG.normal(-1, 3, (2, 4, 3, 5))
    net = build(
        "LayerNorm",
        f"layer_norm_param {{ axis: {axis} }}",
        x.shape,
        dtype=np.float64,
        memory_format=memory_format,
    )
    scale, shift = (blob.data for blob in net.params["norm"])
    assert scale.shape == shift.shape == x.shape[axes[0] :]
    scale[...], shift[...] = RNG.normal(size=(2, *scale.shape))
    each = normalised(x, axes)
    dy = RNG.normal(size=x.shape)
    y, _, dscale, dshift = run(net, x, dy)
    np.testing.assert_allclose(y, each * scale + shift, rtol=1e-6)
    others = tuple(range(axes[0]))
    np.testing.assert_allclose(dscale, (dy * each).sum(others), rtol=1e-6)
    np.testing.assert_allclose(dshift, dy.sum(others))


def test_a_batch_of_several_portions():
    x, dy = RNG.normal(size=(2, 5, 8, 200, 200)).astype(np.float32)
    net = build("GroupNorm", "group_norm_param { groups: 2 }", x.shape)
    y, dx, dscale, _ = run(net, x, dy)
    each = normalised(x.astype(np.float64).reshape(5, 2, -1), 2).reshape(x.shape)
    np.testing.assert_allclose(y, each, atol=1e-4)
    np.testing.assert_allclose(dscale, (dy * each).sum((0, 2, 3)), atol=0.05)
    assert abs(dx.reshape(10, -1).sum(1)).max() < 0.05  # adding a constant changes nothing


@pytest.mark.parametrize(
    ("type_name", "params"),
    [
        ("GroupNorm", "group_norm_param { groups: 2 }"),
        ("GroupNorm", "group_norm_param { groups: 2 affine: false }"),
        ("LayerNorm", ""),
        ("LayerNorm", "layer_norm_param { axis: 2 affine: false }"),
    ],
)
@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_in_place_everything_is_the_same(type_name, params, memory_format):
    x, dy = RNG.normal(size=(2, 2, 4, 3, 3))
    results = []
    for top in ("y", "x"):
        net = build(type_name, params, x.shape, top, memory_format=memory_format)
        for blob in net.params.get("norm", []):
            blob.data[...] = np.linspace(-1, 1, blob.count).reshape(blob.shape)
        results.append(run(net, x, dy, top))
    for apart, in_place in zip(*results, strict=True):
        np.testing.assert_allclose(apart, in_place, rtol=1e-6)


def test_scale_and_shift_are_filled_as_told():
    params = "%s_param { %s filler { value: 0.5 } bias_filler { type: 'uniform' min: 2 max: 3 } }"
    for name, rest in (("GroupNorm", "groups: 2"), ("LayerNorm", "")):
        field = name.replace("Norm", "_norm").lower()
        scale, shift = build(name, params % (field, rest)).params["norm"]
        assert (scale.data == 0.5).all()
        assert (shift.data >= 2).all()
        assert shift.data.std() > 0


def test_equal_values_become_the_shift():
    net = build("LayerNorm")
    net.params["norm"][1].data[...] = 0.25
    y, dx, *_ = run(net, 7.0, 1.0)
    assert (y == 0.25).all()
    assert (dx == 0).all()


@pytest.mark.parametrize(
    ("type_name", "params", "shape", "problem"),
    [
        (
            "GroupNorm",
            "",
            (2, 48, 3),
            "bottom 'x' (2, 48, 3) has 48 channels, which 32 groups cannot share alike; "
            "set groups to a divisor of the channels",
        ),
        ("GroupNorm", "group_norm_param { groups: 0 }", (2, 4), "groups is 0; expected at least 1"),
        (
            "GroupNorm",
            "",
            (4,),
            "needs at least 2 axes, the second for channels; bottom 'x' has shape (4,); reshape it",
        ),
        (
            "LayerNorm",
            "layer_norm_param { axis: -2 }",
            (2, 4),
            "axis is -2, the axis of the items in bottom 'x' (2, 4); expected one after it, "
            "since each item is normalised alone",
        ),
        ("LayerNorm", "", (4,), "axis 1 is out of range for a blob of 1 axes (4,)"),
    ],
)
def test_refused(type_name, params, shape, problem):
    with pytest.raises(LayerError) as caught:
        build(type_name, params, shape)
    assert str(caught.value) == f"norm ({type_name}): {problem}"


def reshaped(net, *shape):
    net.blobs["x"].reshape(*shape)
    net.reshape()
    net.forward()
    return net.blobs["y"].shape


def test_what_scale_and_shift_do_not_span_may_change():
    assert reshaped(build("GroupNorm", "group_norm_param { groups: 2 }"), 3, 4, 5, 1) == (
        3,
        4,
        5,
        1,
    )
    assert reshaped(build("LayerNorm", "layer_norm_param { axis: 2 }"), 3, 5, 3, 3) == (3, 5, 3, 3)
    free = "layer_norm_param { affine: false }"
    assert reshaped(build("LayerNorm", free), 3, 5, 2) == (3, 5, 2)
    free = "group_norm_param { groups: 2 affine: false }"
    assert reshaped(build("GroupNorm", free), 3, 6, 2) == (3, 6, 2)


@pytest.mark.parametrize(
    ("type_name", "params", "problem"),
    [
        (
            "GroupNorm",
            "group_norm_param { groups: 2 }",
            "scale and shift have 4 channels, bottom 'x' (2, 6, 3, 3) has 6; "
            "their number must not change, or set affine: false",
        ),
        (
            "LayerNorm",
            "",
            "scale and shift have shape (4, 3, 3), bottom 'x' (2, 6, 3, 3) has (6, 3, 3) from axis "
            "1 on; the bottom's shape must not change there, or set affine: false",
        ),
    ],
)
def test_what_they_span_must_stay(type_name, params, problem):
    with pytest.raises(LayerError) as caught:
        reshaped(build(type_name, params), 2, 6, 3, 3)
    assert str(caught.value) == f"norm ({type_name}): {problem}"
