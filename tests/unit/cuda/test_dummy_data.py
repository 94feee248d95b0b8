"""DummyData on the device: random tops are drawn there, others come from the host."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.device import CPU
from caffe_core.errors import CaffeError
from caffe_core.net import Net
from caffe_core.tensor import moves


def dummy(device, filler, seed=1):
    layer = f"""layer {{ name: "data" type: "DummyData" top: "x" dummy_data_param {{
        shape {{ dim: 50 dim: 3 dim: 10 dim: 20 }} data_filler {{ {filler} }} }} }}
        layer {{ name: "relu" type: "ReLU" bottom: "x" top: "y" }}"""
    return Net(layer, device=device, seed=seed, keep=None)


@pytest.mark.parametrize(
    ("filler", "mean", "std"),
    [
        ('type: "gaussian" mean: 3 std: 0.5', 3, 0.5),
        ('type: "uniform" min: -1 max: 5', 2, 3**0.5),
    ],
)
def test_random_numbers_are_as_the_filler_says(emulated, filler, mean, std):
    net = dummy(emulated, filler)
    net.forward()
    first = net.blobs["x"].data.copy()
    assert first.mean() == pytest.approx(mean, abs=0.03)
    assert first.std() == pytest.approx(std, abs=0.03)
    net.forward()
    assert abs(np.corrcoef(first.ravel(), net.blobs["x"].data.ravel())[0, 1]) < 0.03


def test_random_numbers_come_from_the_seed(emulated):
    found = []
    for seed in (1, 1, 2):
        net = dummy(emulated, 'type: "gaussian"', seed)
        net.forward()
        found.append(net.blobs["x"].data)
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


@pytest.mark.parametrize(
    ("filler", "uploads"),
    [('type: "gaussian"', 0), ('type: "constant" value: 2', 0), ('type: "xavier"', 3)],
)
def test_only_what_the_host_draws_is_sent(emulated, filler, uploads):
    net = dummy(emulated, filler)
    assert (net.nodes[0].kernel.device is CPU) == (uploads > 0)
    net.forward()
    before = moves.to_device
    for _ in range(3):
        net.forward()
    assert moves.to_device - before == uploads


def test_what_a_filler_refuses_it_refuses_here_too(emulated):
    with pytest.raises(CaffeError, match=r"filler 'uniform': min 2 is above max 1"):
        dummy(emulated, 'type: "uniform" min: 2').forward()
