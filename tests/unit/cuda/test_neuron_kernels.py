"""Kernels of activation layers do what the contract's cases, few and finite, cannot show."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.layer import Phase
from caffe_core.net import Net

INPUT = 'name: "it" force_backward: true layer {{ name: "x" type: "Input" top: "x" {} }}\n'


def run(layer, x, device, seed=1, memory_format="contiguous"):
    """A net of one layer after forward and, for a top's diff of ones, backward."""
    dims = " ".join(f"dim: {each}" for each in x.shape)
    net = Net(
        INPUT.format(f"input_param {{ shape {{ {dims} }} }}")
        + f'layer {{ name: "it" bottom: "x" top: "y" {layer} }}',
        Phase.TRAIN,
        device=device,
        seed=seed,
        memory_format=memory_format,
    )
    net.blobs["x"].data[...] = x
    net.forward()
    net.blobs["y"].diff[...] = 1
    net.backward()
    return net


def test_dropout_drops_by_its_ratio_and_backward_has_the_same_mask(emulated):
    net = run('type: "Dropout" dropout_param { dropout_ratio: 0.3 }', np.ones((200, 50)), emulated)
    y, dx = net.blobs["y"].data, net.blobs["x"].diff
    assert set(np.unique(y)) == {0, np.float32(1 / 0.7)}
    assert abs((y == 0).mean() - 0.3) < 0.02
    np.testing.assert_array_equal(dx, y)


def test_dropout_draws_another_mask_each_time_and_the_same_for_a_seed(emulated):
    layer, x = 'type: "Dropout"', np.ones((4, 60))
    first, again, other = (run(layer, x, emulated, seed) for seed in (1, 1, 2))
    drawn = first.blobs["y"].data.copy()
    np.testing.assert_array_equal(drawn, again.blobs["y"].data)
    assert (drawn != other.blobs["y"].data).any()
    first.forward()
    assert (drawn != first.blobs["y"].data).any()


def test_dropout_has_one_mask_for_a_seed_in_either_memory_format(emulated):
    x = np.ones((3, 4, 5, 6))
    rows, images = (
        run('type: "Dropout"', x, emulated, memory_format=each)
        for each in ("contiguous", "channels_last")
    )
    assert not images.blobs["y"].data.flags.c_contiguous
    np.testing.assert_array_equal(rows.blobs["y"].data, images.blobs["y"].data)
    np.testing.assert_array_equal(rows.blobs["x"].diff, images.blobs["x"].diff)


@pytest.mark.parametrize(
    "layer",
    ['type: "Clip" clip_param { min: -1 max: 1 }', 'type: "ELU"', 'type: "HardSigmoid"',
     'type: "BNLL"', 'type: "Maxout" maxout_param { pieces: 3 }', 'type: "PReLU"', 'type: "ReLU6"'],
)  # fmt: skip
def test_what_is_not_a_number_stays_so(emulated, layer):
    x = np.zeros((3, 3))
    np.fill_diagonal(x, np.nan)
    net = run(layer, x, emulated)
    assert np.isnan(net.blobs["y"].data).any(axis=1).all()


@pytest.mark.parametrize("layer", ["Bias", "Dropout", "GELU", "PReLU", "Scale", "Swish"])
@pytest.mark.parametrize("shape", [(0, 3, 2, 2), (2, 3, 0, 2)])
def test_blobs_without_elements_pass(emulated, layer, shape):
    net = run(f'type: "{layer}"', np.empty(shape), emulated)
    assert net.blobs["x"].diff.shape == shape
    assert not any(blob.diff.any() for blob in net.params.get("it", []))


def test_a_single_number_for_a_blob_without_elements_gets_no_gradient(emulated):
    layer = 'type: "Scale" scale_param { num_axes: 0 bias_term: true }'
    net = run(layer, np.empty((0, 3, 4, 4)), emulated)
    assert [blob.diff.item() for blob in net.params["it"]] == [0, 0]
