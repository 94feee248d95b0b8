"""What kernels cannot count by an int is refused before it runs."""

from __future__ import annotations

import pytest

from caffe_core.blob import Blob
from caffe_core.cuda import correlation, mean_loss
from caffe_core.errors import CaffeError, DeviceError
from caffe_core.net import Net
from caffe_core.testing.emulation import EmulatedDevice

NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 5 dim: 5 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "y"
        convolution_param { num_output: 1 kernel_size: 3 engine: CAFFE } }
"""


def test_a_blob_that_is_too_large_for_the_device(emulated, monkeypatch):
    monkeypatch.setattr(EmulatedDevice, "largest", 11)
    Blob((11,)).on(emulated).overwrite()
    with pytest.raises(DeviceError, match=r"a blob \(3, 4\) has 12 elements; the most are 11 on"):
        Blob((3, 4)).on(emulated).overwrite()


def test_columns_that_are_too_many(emulated, monkeypatch):
    monkeypatch.setattr(correlation, "LARGEST", 2 * 9 * 9)
    Net(NET, device=emulated).forward()
    monkeypatch.setattr(correlation, "LARGEST", 2 * 9 * 9 - 1)
    with pytest.raises(
        CaffeError, match=r"conv \(Convolution\): im2col makes 162 columns of an im"
    ):
        Net(NET, device=emulated).forward()


def test_a_loss_over_very_many_numbers_takes_no_more_blocks(emulated):
    with emulated.active():
        blocks = mean_loss.MeanLoss(emulated, Blob().dtype, 1 << 31, 1)._blocks
    assert (blocks + 1) * mean_loss._THREADS < 1 << 22
