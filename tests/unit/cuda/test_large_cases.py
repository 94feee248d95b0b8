"""Bottoms so large that several blocks, or several warps, share out what one sum is of."""

from __future__ import annotations

from contextlib import suppress

import pytest

from caffe_core.testing import Case, contract, uniform
from caffe_core.testing.bench import RefusalError
from caffe_core.testing.checks.facts import in_place_equals_out_of_place
from caffe_core.testing.checks.sameness import (
    agrees_with_plain_kernel,
    float32_is_close_to_float64,
)
from caffe_core.testing.emulation import EmulatedDevice, compiler

FAR_FROM_0 = uniform((5, 2, 50, 60), 100, 101)
CHECKS = [agrees_with_plain_kernel, float32_is_close_to_float64, in_place_equals_out_of_place]
LARGE = [
    ("BatchNorm", Case(bottom=[(5, 2, 50, 60)])),
    ("BatchNorm", Case(bottom=[(9, 33, 11, 7)])),
    ("BatchNorm", Case(bottom=[(1100, 5)])),
    ("BatchNorm", Case(bottom=[FAR_FROM_0])),
    ("GroupNorm", Case("group_norm_param { groups: 2 }", bottom=[FAR_FROM_0])),
    ("LayerNorm", Case(bottom=[(2, 3, 40, 41)])),
    ("LayerNorm", Case("layer_norm_param { axis: 2 }", bottom=[(30, 20, 7, 11)])),
    ("LayerNorm", Case("layer_norm_param { axis: 3 }", bottom=[(4, 5, 7, 11)])),
    ("GroupNorm", Case("group_norm_param { groups: 3 }", bottom=[(9, 36, 11, 7)])),
    ("GroupNorm", Case("group_norm_param { groups: 2 }", bottom=[(2, 4, 50, 60)])),
    ("MVN", Case(bottom=[(2, 3, 50, 60)])),
    ("MVN", Case("mvn_param { across_channels: true }", bottom=[(2, 5, 30, 31)])),
    ("Bias", Case("bias_param { num_axes: 0 }", bottom=[(3, 5, 30, 31)])),
    ("Bias", Case(bottom=[(1100, 5), (5,)])),
    ("PReLU", Case("prelu_param { channel_shared: true }", bottom=[(3, 5, 30, 31)])),
    ("PReLU", Case(bottom=[(5, 2, 50, 60)])),
    ("PReLU", Case(bottom=[(1100, 5)])),
    ("Scale", Case("scale_param { bias_term: true }", bottom=[(5, 2, 50, 60)])),
    ("Scale", Case("scale_param { bias_term: true axis: 0 }", bottom=[(3, 33, 50), (3, 33)])),
    ("Scale", Case("scale_param { axis: 0 num_axes: -1 bias_term: true }", bottom=[(40, 50)])),
    ("Scale", Case("scale_param { axis: 1 num_axes: 2 }", bottom=[(600, 2, 3, 2)])),
]


@pytest.mark.skipif(compiler() is None, reason="needs g++")
@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize(("type_name", "case"), LARGE)
def test_large_bottoms_give_what_they_give_on_the_cpu(backwards, type_name, case):
    checked, device = 0, EmulatedDevice(backwards=backwards)
    for setting in contract.settings(type_name, cases=[case], device=device):
        with suppress(RefusalError):  # by cuDNN, which takes a real GPU
            assert not contract.violations(setting, CHECKS)
            checked += 1
    assert checked
