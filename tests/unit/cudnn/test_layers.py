"""Normalisation, pooling and softmax: what is taken, what is refused and what comes of it."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.blob import CHANNELS_LAST
from caffe_core.device import CPU
from caffe_core.net import Net
from caffe_core.proto.caffe_pb2 import TEST, TRAIN
from caffe_core.solver import Solver
from caffe_core.tensor import moves

LENET = """
layer { name: "data" type: "DummyData" top: "x" top: "label" dummy_data_param {
  shape { dim: 4 dim: 1 dim: 28 dim: 28 } shape { dim: 4 }
  data_filler { type: "constant" } data_filler { type: "constant" value: 3 } } }
layer { name: "conv1" type: "Convolution" bottom: "x" top: "conv1"
  convolution_param { num_output: 8 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "norm1" type: "BatchNorm" bottom: "conv1" top: "conv1" }
layer { name: "scale1" type: "Scale" bottom: "conv1" top: "conv1" scale_param { bias_term: true } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 engine: CUDNN } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param { num_output: 12 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "norm2" type: "BatchNorm" bottom: "conv2" top: "norm2" }
layer { name: "pool2" type: "Pooling" bottom: "norm2" top: "pool2"
  pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layer { name: "relu2" type: "ReLU" bottom: "pool2" top: "pool2" }
layer { name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "ip1" top: "prob" }
layer { name: "loss" type: "MultinomialLogisticLoss" bottom: "prob" bottom: "label" top: "loss" }
"""
SOLVER = f"""
net_param {{ {LENET} }} base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 random_seed: 3
"""
ON_CUDNN = {"conv1", "norm1", "pool1", "conv2", "norm2", "pool2", "prob"}


def engine_and_refusals(layer, shape, device, phase=TRAIN):
    dims = " ".join(f"dim: {length}" for length in shape)
    net = Net(
        f'force_backward: true layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ '
        f'{dims} }} }} }} layer {{ name: "it" bottom: "x" top: "y" {layer} }}',
        phase,
        device=device,
    )
    node = next(node for node in net.nodes if node.name == "it")
    return node.engine, " ".join(node.refusals)


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_lenet_trains_as_it_does_on_the_plain_kernels(library, memory_format):
    there = Solver(SOLVER, device=library.device, memory_format=memory_format)
    here = Solver(SOLVER, device=CPU, engines=("caffe",))
    plain = Solver(SOLVER, device=library.device, engines=("caffe",))
    for node in plain.net.nodes:
        assert (node.engine == "cudnn") == (node.name == "pool1")  # whose own field says so
    assert {node.name for node in there.net.nodes if node.engine == "cudnn"} == ON_CUDNN
    images = np.random.default_rng(4).normal(size=(4, 1, 28, 28))
    for solver in (there, here, plain):
        solver.net.blobs["x"].data[...] = images
        solver.step(3)
    for other in (here, plain):
        assert abs(there.smoothed_loss - other.smoothed_loss) < 1e-4
        for name in there.net.params:
            pairs = zip(there.net.params[name], other.net.params[name], strict=True)
            for mine, its in pairs:
                np.testing.assert_allclose(mine.data, its.data, rtol=1e-3, atol=2e-5)


def test_an_iteration_moves_nothing_but_data_and_loss(library):
    solver = Solver(SOLVER, device=library.device)
    solver.step(2)
    before = moves.to_device, moves.to_host
    solver.step(2)
    assert (moves.to_device - before[0], moves.to_host - before[1]) == (0, 2)


def test_what_was_trained_is_normalised_by_what_was_stored(library):
    trained = Solver(SOLVER, device=library.device)
    trained.net.blobs["x"].data[...] = np.random.default_rng(4).normal(size=(4, 1, 28, 28))
    trained.step(2)
    results = {}
    for place, engines in ((library.device, None), (CPU, ("caffe",))):
        net = Net(LENET, TEST, device=place, engines=engines)
        net.share_trained_layers_with(trained.net)
        net.blobs["x"].data[...] = trained.net.blobs["x"].data
        net.forward()
        results[place] = net.blobs["prob"].data.copy()
    assert "cudnnBatchNormalizationForwardInference" in library.module.ran
    np.testing.assert_allclose(results[library.device], results[CPU], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "phase", "reason"),
    [
        ("pool: STOCHASTIC kernel_size: 2", TRAIN, "no stochastic pooling"),
        ("kernel_size: 3 stride: 2", TEST, "reach beyond the padding"),
        ("pool: AVE kernel_size: 3 stride: 2", TRAIN, "reach beyond the padding"),
        ("kernel_size: 2 stride: 2", TRAIN, "say engine: CUDNN to have it"),
    ],
)
def test_pooling_refuses_what_would_not_be_caffe_s(library, layer, phase, reason):
    layer = f'type: "Pooling" pooling_param {{ {layer} }}'
    engine, refusals = engine_and_refusals(layer, (2, 3, 6, 6), library.device, phase)
    assert engine == "caffe"
    assert reason in refusals


@pytest.mark.parametrize(
    ("layer", "phase"),
    [
        ("kernel_size: 3 stride: 2", TEST),
        ("kernel_size: 3 stride: 2 engine: CUDNN", TRAIN),
        ("pool: AVE kernel_size: 3 stride: 3 pad: 1", TRAIN),
        ("pool: AVE global_pooling: true", TRAIN),
    ],
)
def test_pooling_takes_what_is_the_same(library, layer, phase):
    layer = f'type: "Pooling" pooling_param {{ {layer} }}'
    assert engine_and_refusals(layer, (2, 3, 7, 7), library.device, phase) == ("cudnn", "")


@pytest.mark.parametrize(
    ("function", "layer"),
    [
        ("cudnnPoolingBackward", 'type: "Pooling" pooling_param { pool: AVE kernel_size: 7 }'),
        ("cudnnSoftmaxForward", 'type: "Softmax"'),
        (
            "cudnnBatchNormalizationForwardInference",
            'type: "BatchNorm" batch_norm_param { use_global_stats: true }',
        ),
    ],
)
def test_what_a_function_has_no_code_for_is_caffe_s(library, function, layer):
    assert engine_and_refusals(layer, (2, 3, 7, 7), library.device) == ("cudnn", "")
    library.functions.unsupported.add(function)
    engine, refusals = engine_and_refusals(layer, (2, 3, 7, 7), library.device)
    assert engine == "caffe"
    assert f"{function} gives CUDNN_STATUS_NOT_SUPPORTED" in refusals


def test_pooling_goes_on_when_windows_come_to_overhang(library):
    net = Net(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 4 '
        'dim: 4 } } } layer { name: "p" type: "Pooling" bottom: "x" top: "y" '
        "pooling_param { pool: AVE kernel_size: 2 stride: 2 } }",
        device=library.device,
    )
    for side, results in ((4, 2), (5, 3), (4, 2)):
        library.module.ran.clear()
        net.blobs["x"].reshape((1, 2, side, side))
        net.blobs["x"].data[...] = 3
        net.forward()
        assert net.blobs["y"].shape == (1, 2, results, results)
        np.testing.assert_array_equal(net.blobs["y"].data, 3)
        assert (library.module.ran[-1:] == ["cudnnPoolingForward"]) == (side == 4)


def test_channels_that_cudnn_cannot_normalise_are_caffe_s(library):
    library.module.channels_together = 4
    for channels, expected in ((6, "caffe"), (8, "cudnn")):
        found, refusals = engine_and_refusals('type: "BatchNorm"', (2, channels), library.device)
        assert found == expected
        assert ("no code for this: No valid engine configs" in refusals) == (expected == "caffe")


@pytest.mark.parametrize("shape", [(4, 3, 5, 6), (4, 3)])
@pytest.mark.parametrize("is_faster", [True, False])
def test_what_is_slower_than_caffe_s_kernel_is_refused(library, monkeypatch, shape, is_faster):
    library.measures, tried = True, []

    def race(library, ways):
        for run in ways.values():
            run()
        tried.append([kernel.__module__ for kernel in ways])
        return list(ways)[not is_faster]

    monkeypatch.setattr("caffe_engine_cudnn.rivalry.fastest", race)
    library.tf32 = True
    layer = 'type: "BatchNorm"'
    engine, refusals = engine_and_refusals(layer, shape, library.device)
    assert tried == [["caffe_engine_cudnn.batch_norm", "caffe_layer_batch_norm_cuda"]]
    assert engine == ("cudnn" if is_faster else "caffe")
    assert ("Caffe's own kernel is faster here" in refusals) != is_faster


def test_a_race_leaves_no_trace(library):
    library.measures = True
    net = Net(LENET, TRAIN, device=library.device)
    assert (("batchnorm_backward",), 0) in library.module.ran
    for name in ("norm1", "norm2"):
        for blob in net.params[name]:
            np.testing.assert_array_equal(blob.data, 0)


def test_who_asks_for_cudnn_gets_it_without_a_race(library, monkeypatch):
    library.measures = True
    monkeypatch.setattr("caffe_engine_cudnn.rivalry.fastest", lambda library, ways: None)
    asked = 'type: "Softmax" softmax_param { engine: CUDNN }'
    assert engine_and_refusals(asked, (2, 3), library.device)[0] == "cudnn"
    assert engine_and_refusals('type: "Softmax"', (2, 3), library.device)[0] == "caffe"


def test_with_tensor_cores_normalisation_wants_the_channels_last(library):
    library.tf32 = True
    net = Net(LENET, TRAIN, device=library.device, memory_format="auto")
    formats = {name: net.blobs[name].format for name in ("conv1", "norm2", "pool2")}
    assert set(formats.values()) == {CHANNELS_LAST}, formats
