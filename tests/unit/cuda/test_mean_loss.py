"""Losses on the device: sums over many blocks, and labels that name no class."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.net import Net
from caffe_core.testing import Case, contract, labels, uniform
from caffe_core.testing.checks.sameness import (
    agrees_with_plain_kernel,
    float32_is_close_to_float64,
    same_seed_gives_same_result,
)

CHECKS = [agrees_with_plain_kernel, float32_is_close_to_float64, same_seed_gives_same_result]
PIXELS = [(2, 4, 60, 70), labels((2, 1, 60, 70), 4)]  # more than two blocks sum up
IGNORE = "loss_param { ignore_label: 2 }"
LARGE = [
    ("Accuracy", Case("accuracy_param { ignore_label: 1 }", bottom=PIXELS, tops=2)),
    ("Accuracy", Case("accuracy_param { top_k: 5 }", bottom=[(90, 70), labels((90,), 70)])),
    ("Accuracy", Case(bottom=[labels((90, 40), 9), labels((90,), 40)], note="many ties")),
    ("ContrastiveLoss", Case(bottom=[(300, 45), (300, 45), labels((300,), 2)], gradient=False)),
    ("EuclideanLoss", Case(bottom=[(4, 3000)] * 2)),
    ("HingeLoss", Case("hinge_loss_param { norm: L2 }", bottom=[(120, 80), labels((120,), 80)])),
    ("InfogainLoss", Case(IGNORE, bottom=[*PIXELS, (4, 4)])),
    ("MultinomialLogisticLoss", Case(bottom=[uniform((9000, 3), 0.1, 1), labels((9000,), 3)])),
    ("SigmoidCrossEntropyLoss", Case(bottom=[(9, 1000), labels((9, 1000), 2)])),
    ("SoftmaxWithLoss", Case(IGNORE, bottom=PIXELS)),
]
LABELLED = ["Accuracy", "HingeLoss", "InfogainLoss", "MultinomialLogisticLoss", "SoftmaxWithLoss"]


@pytest.mark.parametrize(("type_name", "case"), LARGE)
def test_sums_of_many_parts_are_what_they_are_on_the_cpu(emulated, type_name, case):
    for setting in contract.settings(type_name, cases=[case], device=emulated):
        assert not contract.violations(setting, CHECKS)


@pytest.mark.parametrize("wrong", [-1, 4, 1e10, np.nan])
@pytest.mark.parametrize("kind", LABELLED)
def test_a_label_that_names_no_class_is_seen_in_the_loss(emulated, kind, wrong):
    matrix = {"matrix": (4, 4)} if kind == "InfogainLoss" else {}
    net = _net(emulated, kind, scores=(3, 4), labels=(3,), **matrix)
    net.forward()
    assert np.isfinite(net.blobs["loss"].data)
    net.blobs["labels"].data[1] = wrong
    net.forward()
    assert np.isnan(net.blobs["loss"].data)


def _net(device, kind, **shapes):
    inputs = "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ '
        f"{' '.join(f'dim: {length}' for length in shape)} }} }} }}"
        for name, shape in shapes.items()
    )
    bottoms = " ".join(f'bottom: "{name}"' for name in shapes)
    layer = f'layer {{ name: "loss" type: "{kind}" top: "loss" {bottoms} }}'
    return Net(inputs + layer, device=device)
