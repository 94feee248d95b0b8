"""SoftmaxWithLoss: labels that are wrong, extreme scores, and what gets no gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
layer {{ name: "in" type: "Input" top: "x" top: "label"
  input_param {{ shape {{ dim: 3 dim: 4 }} shape {{ {label_shape} }} }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "x" bottom: "label" {tops} {params} }}
force_backward: true
"""


def make(labels=(0, 1, 2), params="", label_shape="dim: 3 dim: 1", tops='top: "loss"'):
    net = Net(NET.format(params=params, label_shape=label_shape, tops=tops), Phase.TRAIN, seed=1)
    net.blobs["x"].data[...] = np.arange(12).reshape(3, 4) % 5
    net.blobs["label"].data[...] = np.reshape(labels, net.blobs["label"].shape)
    return net


@pytest.mark.parametrize(
    ("label", "shown"), [(4, "4"), (-1, "-1"), (math.nan, "nan"), (1e9, "1e.09")]
)
def test_a_label_that_is_no_class_is_named_with_its_place(label, shown):
    message = (
        rf"^loss \(SoftmaxWithLoss\): label {shown} at \(1, 0\) of bottom 'label' is none of the 4 "
        r"classes, 0 to 3, .* 'x' .*; correct the labels .* or set ignore_label"
    )
    with pytest.raises(LayerError, match=message):
        make([0, label, 2]).forward()


def test_an_ignored_label_need_not_be_a_class():
    net = make([0, 255, 2], "loss_param { ignore_label: 255 }")
    assert net.forward() > 0
    net.backward()
    assert (net.blobs["x"].diff[1] == 0).all()
    assert (net.blobs["x"].diff[::2] != 0).all()


def test_nothing_but_ignored_labels_costs_nothing():
    net = make([-1, -1, -1], "loss_param { ignore_label: -1 }")
    assert net.forward() == 0
    net.backward()
    assert (net.blobs["x"].diff == 0).all()


def test_labels_are_cut_to_whole_numbers():
    assert make([0.9, 1.5, 2.1]).forward() == make([0, 1, 2]).forward()


def test_hopeless_scores_cost_a_finite_amount():
    net = make([0, 0, 0])
    net.blobs["x"].data[...] = [0, 0, 1e4, 0]
    assert net.forward() == pytest.approx(-math.log(np.finfo(np.float32).tiny))
    net.backward()
    np.testing.assert_allclose(net.blobs["x"].diff, [[-1 / 3, 0, 1 / 3, 0]] * 3, rtol=1e-6)


def test_the_second_top_holds_probabilities_that_backward_does_not_need():
    net = make(tops='top: "loss" top: "prob"')
    net.forward()
    prob = net.blobs["prob"].data
    np.testing.assert_allclose(prob.sum(axis=1), 1, rtol=1e-6)
    expected = (prob - np.eye(3, 4)) / 3
    prob[...] = 9
    for _ in range(2):  # a second backward finds what the first did
        net.backward()
        np.testing.assert_allclose(net.blobs["x"].diff, expected, rtol=1e-5, atol=1e-7)


def test_a_loss_without_a_named_top_counts():
    assert make(tops="").forward() == make().forward()


def test_wrong_number_of_labels():
    message = (
        r"'x' \(3, 4\) with its classes along axis 1 needs 3 labels, bottom 'label' \(2,\) has 2"
    )
    with pytest.raises(LayerError, match=message):
        make(label_shape="dim: 2")


def test_labels_get_no_gradient_unless_told_so_by_mistake():
    make().forward_backward()
    net = make()
    net.nodes[-1].propagate_down[1] = True
    with pytest.raises(LayerError, match="'label' is asked for a gradient, but has none"):
        net.forward_backward()
