"""Accuracy: scores that are not numbers, and parameters that make no sense."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import LayerError
from caffe_core.net import Net

NET = """
force_backward: true
layer { name: "in" type: "Input" top: "x" top: "label"
  input_param { shape { dim: 3 dim: 4 } shape { dim: 3 } } }
layer { name: "acc" type: "Accuracy" bottom: "x" bottom: "label" top: "acc" %s }
"""


def make(params=""):
    net = Net(NET % params)
    net.blobs["x"].data[...] = np.eye(3, 4)
    net.blobs["label"].data[...] = [0, 1, 3]
    return net


def accuracy(net):
    net.forward()
    return float(net.blobs["acc"].data)


def test_scores_that_are_nan_are_never_right():
    net = make()
    assert accuracy(net) == pytest.approx(2 / 3)
    net.blobs["x"].data[...] = np.nan
    assert accuracy(net) == 0


def test_a_label_of_no_class_is_named():
    net = make()
    net.blobs["label"].data[2] = 7
    with pytest.raises(LayerError, match=r"^acc \(Accuracy\): label 7 at \(2,\) of bottom 'label'"):
        net.forward()


def test_force_backward_passes_it_over():
    net = make()
    net.forward_backward()
    assert (net.blobs["x"].diff == 0).all()


def test_top_k_above_the_number_of_classes():
    message = r"top_k is 5, bottom 'x' \(3, 4\) has 4 classes along axis 1; lower top_k or set axis"
    with pytest.raises(LayerError, match=message):
        make("accuracy_param { top_k: 5 }")
