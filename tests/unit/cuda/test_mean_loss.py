"""Losses on the device: sums over many blocks, and labels that name no class."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.net import Net

MANY = 10_000  # more than two blocks sum up
LABELLED = ["Accuracy", "HingeLoss", "InfogainLoss", "MultinomialLogisticLoss", "SoftmaxWithLoss"]


def net(device, layer, **shapes):
    inputs = "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ '
        f"{' '.join(f'dim: {length}' for length in shape)} }} }} }}"
        for name, shape in shapes.items()
    )
    bottoms = " ".join(f'bottom: "{name}"' for name in shapes)
    return Net(f'{inputs} layer {{ {layer} name: "loss" top: "loss" {bottoms} }}', device=device)


def numbers(shape):
    return np.random.default_rng(5).normal(size=shape).astype(np.float32)


def test_a_loss_of_many_parts_is_their_sum(emulated):
    built = net(emulated, 'type: "EuclideanLoss"', scores=(4, MANY), labels=(4, MANY))
    scores, labels = numbers((2, 4, MANY))
    built.blobs["scores"].data[...], built.blobs["labels"].data[...] = scores, labels
    losses = {built.forward() for _ in range(3)}
    expected = np.sum((scores - labels).astype(np.float64) ** 2) / 8
    assert len(losses) == 1
    assert losses.pop() == pytest.approx(expected, rel=1e-6)


def test_many_labels_are_counted(emulated):
    layer = 'type: "Accuracy" accuracy_param { ignore_label: 1 }'
    built = net(emulated, layer, scores=(MANY, 3), labels=(MANY,))
    scores, labels = numbers((MANY, 3)), np.arange(MANY) // 7 % 3
    built.blobs["scores"].data[...], built.blobs["labels"].data[...] = scores, labels
    built.forward()
    hits = scores.argmax(axis=1) == labels
    assert built.blobs["loss"].data == pytest.approx(hits[labels != 1].mean())


@pytest.mark.parametrize("wrong", [-1, 4, 1e10, np.nan])
@pytest.mark.parametrize("kind", LABELLED)
def test_a_label_that_names_no_class_is_seen_in_the_loss(emulated, kind, wrong):
    matrix = {"matrix": (4, 4)} if kind == "InfogainLoss" else {}
    built = net(emulated, f'type: "{kind}"', scores=(3, 4), labels=(3,), **matrix)
    built.forward()
    assert np.isfinite(built.blobs["loss"].data)
    built.blobs["labels"].data[1] = wrong
    built.forward()
    assert np.isnan(built.blobs["loss"].data)
