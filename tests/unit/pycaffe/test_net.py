from __future__ import annotations

import caffe
import numpy as np
import pytest

from caffe_core.errors import CaffeError

NET = """
name: 'tiny' force_backward: true
layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 2 dim: 3 } } }
layer { name: 'ip' type: 'InnerProduct' bottom: 'data' top: 'ip'
  inner_product_param { num_output: 4 weight_filler { type: 'xavier' } } }
layer { name: 'relu' type: 'ReLU' bottom: 'ip' top: 'relu' }
layer { name: 'only' type: 'ReLU' bottom: 'relu' top: 'only'
  include { stage: 'deep' min_level: 2 } }
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    return str(tmp_path / "net.prototxt")


@pytest.fixture
def net(path):
    net = caffe.Net(path, caffe.TEST)
    net.params["ip"][0].data[...] = np.random.default_rng(1).standard_normal((4, 3))
    return net


@pytest.fixture
def images():
    return np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32)


def expected_ip(net, images):
    weight, bias = (blob.data for blob in net.params["ip"])
    return images @ weight.T + bias


def test_it_has_the_names_of_its_parts(net):
    assert (net.inputs, net.outputs) == (["data"], ["relu"])
    assert list(net.blobs) == ["data", "ip", "relu"]
    assert net._layer_names == list(net.layer_dict) == ["data", "ip", "relu"]
    assert [layer.type for layer in net.layers] == ["Input", "InnerProduct", "ReLU"]
    assert net.bottom_names == {"data": [], "ip": ["data"], "relu": ["ip"]}
    assert net.top_names == {"data": ["data"], "ip": ["ip"], "relu": ["relu"]}
    assert [blob.shape for blob in net.params["ip"]] == [(4, 3), (4,)]
    assert net.blob_loss_weights == {"data": 0, "ip": 0, "relu": 0}
    assert net._blob_loss_weights == [0, 0, 0]


def test_forward_takes_inputs_and_gives_outputs_that_are_no_copies(net, images):
    outputs = net.forward(data=images)
    assert list(outputs) == ["relu"]
    np.testing.assert_allclose(outputs["relu"], np.maximum(expected_ip(net, images), 0), rtol=1e-6)
    assert np.shares_memory(outputs["relu"], net.blobs["relu"].data)


def test_forward_gives_further_blobs_and_stops_where_it_is_told(net, images):
    net.blobs["data"].data[...] = images
    outputs = net.forward(blobs=["data"], end="ip")
    assert list(outputs) == ["ip", "data"]
    assert not net.blobs["relu"].data.any()
    assert list(net.forward(start="relu")) == ["relu"]
    assert net.blobs["relu"].data.any()


def test_backward_takes_gradients_and_gives_those_of_the_inputs(net, images):
    net.forward(data=images)
    gradient = np.ones((2, 4), np.float32)
    found = net.backward(diffs=["ip"], relu=gradient)
    expected = gradient * (net.blobs["ip"].data > 0)
    np.testing.assert_array_equal(found["ip"], expected)
    np.testing.assert_allclose(found["data"], expected @ net.params["ip"][0].data, rtol=1e-5)
    assert list(net.backward(end="relu")) == ["ip"]


def test_gradients_add_up_until_they_are_cleared(net, images):
    net.forward(data=images)
    net.backward(relu=np.ones((2, 4)))
    once = net.params["ip"][0].diff.copy()
    net.backward()
    np.testing.assert_allclose(net.params["ip"][0].diff, 2 * once, rtol=1e-6)
    net.clear_param_diffs()
    assert not net.params["ip"][0].diff.any()


def test_shapes_follow_the_input(net):
    net.blobs["data"].reshape(5, 3)
    net.reshape()
    assert net.blobs["relu"].shape == (5, 4)
    assert net.forward(data=np.ones((5, 3)))["relu"].shape == (5, 4)


def test_weights_are_saved_loaded_and_shared(net, path, tmp_path, images):
    saved = str(tmp_path / "w.caffemodel")
    net.save(saved)
    expected = net.forward(data=images)["relu"]
    for other in (
        caffe.Net(path, caffe.TEST, weights=saved),
        caffe.Net(path, saved, caffe.TEST),
    ):
        np.testing.assert_array_equal(other.forward(data=images)["relu"], expected)
    blank = caffe.Net(path, caffe.TEST)
    blank.copy_from(saved)
    np.testing.assert_array_equal(blank.forward(data=images)["relu"], expected)
    sharing = caffe.Net(path, caffe.TRAIN)
    sharing.share_with(net)
    net.params["ip"][0].data[...] = 0
    assert not sharing.params["ip"][0].data.any()


def test_level_and_stages_choose_layers(path):
    assert caffe.Net(path, caffe.TEST, 2, ["deep"]).outputs == ["only"]
    assert caffe.Net(path, caffe.TEST, level=2, stages=["deep"]).outputs == ["only"]
    assert caffe.Net(path, caffe.TEST, level=2).outputs == ["relu"]


def test_weights_without_a_phase_are_refused(path):
    with pytest.raises(CaffeError, match=r"the phase is missing; give caffe\.TRAIN or caffe\.TEST"):
        caffe.Net(path, "w.caffemodel")


def test_phases_and_stages_that_are_none_are_refused(path):
    with pytest.raises(CaffeError, match=r"phase is 5; expected caffe\.TRAIN or caffe\.TEST"):
        caffe.Net(path, 5)
    with pytest.raises(CaffeError, match=r"stages is 'deep'; expected a list: \['deep'\]"):
        caffe.Net(path, caffe.TEST, stages="deep")


def test_its_name_may_be_changed(net):
    net.name = "huge"
    assert net.name == "huge"


def test_arrays_that_do_not_fit_are_refused(net, images):
    with pytest.raises(CaffeError, match="'tiny': arrays are given for image; its inputs are data"):
        net.forward(image=images)
    with pytest.raises(CaffeError, match=r"input 'data' has shape \(2, 3\), the array has 1 items"):
        net.forward(data=images[:1])
    with pytest.raises(CaffeError, match="arrays are given for ip; its outputs are relu"):
        net.backward(ip=images)


def test_a_seed_makes_nets_equal(path):
    def weight():
        caffe.set_random_seed(7)
        return caffe.Net(path, caffe.TEST).params["ip"][0].data

    np.testing.assert_array_equal(weight(), weight())
