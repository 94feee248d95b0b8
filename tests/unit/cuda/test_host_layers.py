"""Layers whose work is the host's, in a net on a device: what they move, and what arrives."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.net import Net
from caffe_core.tensor import moves

FILLER = 'weight_filler { type: "constant" value: 1 }'
ABOVE = f"""
layer {{ name: "half" type: "Eltwise" bottom: "x" bottom: "x" top: "half"
  eltwise_param {{ coeff: 0.25 coeff: 0.25 }} }}
layer {{ name: "relu" type: "ReLU" bottom: "half" top: "half" }}
layer {{ name: "sum" type: "InnerProduct" bottom: "half" top: "sum"
  inner_product_param {{ num_output: 1 bias_term: false {FILLER} }} }}
layer {{ name: "loss" type: "Reduction" bottom: "sum" top: "loss" loss_weight: 1 }}
"""
INPUT = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }'
DUMMY = """layer { name: "x" type: "DummyData" top: "x" dummy_data_param {
  shape { dim: 2 dim: 3 } data_filler { type: "%s" value: 2 } } }"""
MEMORY = """layer { name: "x" type: "MemoryData" top: "x" top: "label" memory_data_param {
  batch_size: 2 channels: 3 height: 1 width: 1 } }"""
PARAMETER = """layer { name: "x" type: "Parameter" top: "x" parameter_param {
  shape { dim: 2 dim: 3 } } }"""
IN_PLACE = 'layer { name: "inplace" type: "ReLU" bottom: "x" top: "x" }'


def moved(net, times=3):
    """Copies to the device, and to the host, in iterations after the first."""
    net.forward_backward()
    before = moves.to_device, moves.to_host
    for _ in range(times):
        net.forward_backward()
    return (moves.to_device - before[0]) / times, (moves.to_host - before[1]) / times


def fed(net):
    """A net of MemoryData that has data: one batch of 1s and one of 3s."""
    data = np.repeat([1.0, 1, 3, 3], 3).reshape(4, 3, 1, 1)
    net.layers["x"].set_arrays(data, np.arange(4))
    return net


@pytest.mark.parametrize("source", [INPUT, DUMMY % "constant", PARAMETER])
def test_what_does_not_change_is_sent_once(emulated, source):
    net = Net(source + ABOVE, device=emulated)
    if "DummyData" not in source:
        net.blobs["x"].data[...] = 2
    if "Parameter" in source:
        net.params["x"][0].data[...] = 2
    assert moved(net) == (0, 1)
    assert net.forward() == 6
    net.blobs["sum"].data[...] = 0
    assert net.forward() == 6


@pytest.mark.parametrize("middle", ["", IN_PLACE])
def test_each_batch_is_sent_and_none_comes_back(emulated, middle):
    net = fed(Net(MEMORY + middle + ABOVE, device=emulated))
    assert moved(net) == (1, 1)
    assert [net.forward() for _ in range(3)] == [3, 9, 3]


def test_numbers_drawn_on_the_host_are_sent_and_do_not_come_back(emulated):
    net = Net(DUMMY % "xavier" + IN_PLACE + ABOVE, device=emulated)
    assert moved(net) == (1, 1)
    assert net.forward() != net.forward()


def test_the_caller_fills_an_input_anew(emulated):
    net = Net(INPUT + ABOVE, device=emulated)
    for value in (1, 2, 5):
        net.blobs["x"].data[...] = value
        before = moves.to_device
        assert net.forward() == 3 * value
        assert moves.to_device - before == (2 if value == 1 else 1)


def test_a_learned_blob_gets_its_gradient_on_the_device(emulated):
    net = Net(PARAMETER + ABOVE, device=emulated)
    net.params["x"][0].data[...] = 1
    net.forward_backward()
    assert net.params["x"][0].diff.tolist() == [[0.5] * 3] * 2


def test_what_is_written_to_a_file_comes_to_the_host_and_nothing_goes_back(emulated, tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "out.h5"
    output = f"""layer {{ name: "out" type: "HDF5Output" bottom: "sum" bottom: "x"
      hdf5_output_param {{ file_name: "{path}" }} }}"""
    net = Net("force_backward: true " + INPUT + ABOVE + output, device=emulated)
    net.blobs["x"].data[...] = [[1, 2, 3], [4, 5, 6]]
    assert moved(net) == (0, 2)
    net.close()
    with h5py.File(path) as file:
        assert file["data"][...].ravel().tolist() == [3, 7.5] * 4
        assert file["label"].shape == (8, 3, 1, 1)
