"""Kernels that move, pick and combine elements agree with NumPy where the cases do not lead."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.blob import ANY_FORMAT
from caffe_core.net import Net
from caffe_core.testing import Case, contract, labels
from caffe_core.testing.checks.sameness import agrees_with_plain_kernel

INPUT = 'layer {{ name: "{0}" type: "Input" top: "{0}" input_param {{ shape {{ {1} }} }} }}\n'
LONG = [
    Case("reduction_param { operation: SUMSQ axis: 1 }", bottom=[(3, 25, 50, 30)]),
    Case("reduction_param { operation: MEAN coeff: 3 }", bottom=[(33000,)]),
    Case("reduction_param { operation: ASUM axis: 2 }", bottom=[(2, 40, 15, 20)]),
]
TIES = [
    Case("argmax_param { top_k: 5 out_max_val: true }", bottom=[labels((3, 4, 5, 30), 6)]),
    Case("argmax_param { top_k: 4 }", bottom=[labels((3, 700), 5)]),
    Case("argmax_param { axis: 1 top_k: 3 }", bottom=[labels((2, 7, 3, 4), 3)]),
    Case("argmax_param { axis: 2 top_k: 2 out_max_val: true }", bottom=[labels((2, 4, 6, 3), 4)]),
]
EQUAL = [
    Case("eltwise_param { operation: MAX }", bottom=[labels((4, 3, 2, 5), 2)] * 2),
    Case("eltwise_param { operation: MAX }", bottom=[labels((4, 3, 2, 5), 3)] * 4),
]


@pytest.mark.parametrize(
    ("type_name", "case"),
    [(name, case) for name, cases in (("Reduction", LONG), ("ArgMax", TIES), ("Eltwise", EQUAL))
     for case in cases],
)  # fmt: skip
def test_long_rows_and_ties(emulated, type_name, case):
    for setting in contract.settings(type_name, cases=[case], device=emulated):
        assert not contract.violations(setting, [agrees_with_plain_kernel])


def outputs(layer, arrays, device, memory_format):
    """The top of a layer for these bottoms, and the diffs of the bottoms for a top's diff of 1s."""
    names = [f"x{index}" for index in range(len(arrays))]
    shapes = [" ".join(f"dim: {each}" for each in array.shape) for array in arrays]
    inputs = "".join(INPUT.format(*pair) for pair in zip(names, shapes, strict=True))
    bottoms = " ".join(f'bottom: "{name}"' for name in names)
    net = Net(
        f"force_backward: true {inputs} layer {{ name: 'it' {bottoms} top: 'y' {layer} }}",
        device=device,
        memory_format=memory_format,
    )
    for name, array in zip(names, arrays, strict=True):
        net.blobs[name].data[...] = array
    net.forward()
    net.blobs["y"].diff[...] = 1
    if "ArgMax" not in layer:
        net.backward()
    return [net.blobs["y"].data, *(net.blobs[name].diff for name in names)]


@pytest.mark.parametrize("memory_format", [each.value for each in ANY_FORMAT])
@pytest.mark.parametrize(
    "layer",
    [
        "type: 'Eltwise' eltwise_param { operation: MAX }",
        "type: 'Eltwise' eltwise_param { operation: PROD stable_prod_grad: false }",
        "type: 'ArgMax' argmax_param { top_k: 3 out_max_val: true }",
        "type: 'ArgMax' argmax_param { axis: 1 top_k: 2 }",
    ],
)
def test_numbers_that_are_none(emulated, layer, memory_format):
    values = [-np.inf, -1, 0, 1, np.inf, np.nan]
    rng = np.random.default_rng(2)
    arrays = [rng.choice(values, (3, 4, 5, 6)) for _ in range(1 if "ArgMax" in layer else 3)]
    found = outputs(layer, arrays, emulated, memory_format)
    for expected, got in zip(outputs(layer, arrays, "cpu", memory_format), found, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("memory_format", [each.value for each in ANY_FORMAT])
def test_an_item_that_is_not_there_is_nan_and_gets_no_gradient(emulated, memory_format):
    batch = np.random.default_rng(3).normal(size=(3, 2, 4, 5)).astype(np.float32)
    indices = np.array([2, -0.9, 3, 0.7, np.nan, -1, 2, np.inf])
    y, dx, _ = outputs("type: 'BatchReindex'", [batch, indices], emulated, memory_format)
    known = [0, 1, 3, 6]
    np.testing.assert_array_equal(y[known], batch[[2, 0, 0, 2]])
    assert np.isnan(np.delete(y, known, axis=0)).all()
    assert dx[:, 0, 0, 0].tolist() == [2, 0, 2]


def test_words_that_come_again_add_up(emulated):
    case = Case("embed_param { input_dim: 7 num_output: 5 }", bottom=[labels((40, 20), 7)])
    for setting in contract.settings("Embed", cases=[case], device=emulated):
        assert not contract.violations(setting)
