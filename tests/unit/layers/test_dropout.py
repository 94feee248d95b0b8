"""Dropout: what is random about it."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
force_backward: true
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 50 dim: 4 dim: 10 dim: 10 } } }
layer { name: "drop" type: "Dropout" bottom: "x" top: "%s" dropout_param { dropout_ratio: %s } }
"""


def dropped(ratio, phase=Phase.TRAIN, top="y", **options):
    net = Net(NET % (top, ratio), phase, seed=5, **options)
    net.blobs["x"].data[...] = 1
    net.forward()
    return net


def test_the_ratio_is_dropped_and_the_rest_scaled_to_keep_the_mean():
    y = dropped(0.3).blobs["y"].data
    assert np.unique(y).tolist() == [0, np.float32(1 / 0.7)]
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.02)


def test_backward_uses_the_mask_of_forward():
    net = dropped(0.3)
    net.blobs["y"].diff[...] = 1
    net.backward()
    np.testing.assert_array_equal(net.blobs["x"].diff, net.blobs["y"].data)


def test_each_forward_draws_anew():
    net = dropped(0.5)
    first = net.blobs["y"].data.copy()
    net.forward()
    assert (net.blobs["y"].data != first).any()


def test_one_seed_gives_one_result_in_either_memory_format():
    other = dropped(0.5, memory_format="channels_last")
    assert not other.blobs["y"].data.flags.c_contiguous
    np.testing.assert_array_equal(other.blobs["y"].data, dropped(0.5).blobs["y"].data)


def test_in_place_in_test_phase_leaves_the_blob_alone():
    assert (dropped(0.5, Phase.TEST, top="x").blobs["x"].data == 1).all()


@pytest.mark.parametrize("ratio", [-0.1, 1.5])
def test_a_ratio_that_is_no_probability_is_refused(ratio):
    message = rf"^drop \(Dropout\): dropout_ratio must be from 0 to 1, got {ratio}"
    with pytest.raises(LayerError, match=message):
        dropped(ratio)
