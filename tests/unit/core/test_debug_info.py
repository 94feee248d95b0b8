from __future__ import annotations

import pytest

from caffe_core.layer import Phase
from caffe_core.net import Net

NET = """
layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 2 dim: 2 } } }
layer { name: "a" type: "Gain" bottom: "x" top: "a" }
layer { name: "b" type: "Gain" bottom: "a" top: "b" param { lr_mult: 0 } }
layer { name: "loss" type: "Total" bottom: "b" top: "loss" }
"""
FORWARD = [
    "    [Forward] Layer d, top blob x data: 3",
    "    [Forward] Layer a, top blob a data: 6",
    "    [Forward] Layer a, param blob 0 data: 2",
    "    [Forward] Layer b, top blob b data: 24",
    "    [Forward] Layer b, param blob 0 data: 4",
    "    [Forward] Layer loss, top blob loss data: 96",
]
BACKWARD = [
    "    [Backward] Layer loss, bottom blob b diff: 1",
    "    [Backward] Layer b, bottom blob a diff: 4",
    "    [Backward] Layer a, param blob 0 diff: 24",
    "    [Backward] All net params (data, diff): L1 norm = (12, 48); L2 norm = (6.32456, 33.9411)",
]


def fed(text=NET, **options):
    net = Net(text, Phase.TRAIN, **options)
    net.blobs["x"].data[...] = -3
    net.params["a"][0].data[...] = 2
    net.params["b"][0].data[...] = -4
    return net


@pytest.mark.parametrize("how", ["option", "definition", "attribute"])
def test_each_layer_logs_mean_magnitudes(messages, how):
    text = "debug_info: true" + NET if how == "definition" else NET
    net = fed(text, debug_info=how == "option")
    if how == "attribute":
        net.debug_info = True
    assert net.debug_info
    messages()
    net.forward()
    assert messages() == FORWARD
    net.backward()
    assert messages() == BACKWARD


def test_a_net_is_silent_otherwise(messages):
    net = fed()
    messages()
    net.forward_backward()
    assert messages() == []


def test_only_layers_that_run_are_logged(messages):
    net = fed(debug_info=True)
    net.forward()
    messages()
    net.forward("b", "b")
    assert messages() == FORWARD[3:5]
    net.backward("loss", "loss")
    assert messages() == [BACKWARD[0], messages_of_parameters(net)]


def messages_of_parameters(net):
    """What is logged of learned blobs whose gradients are still 0."""
    assert not any(parameter.blob.diff.any() for parameter in net.learnable)
    return BACKWARD[-1].replace("(12, 48)", "(12, 0)").replace("33.9411", "0")
