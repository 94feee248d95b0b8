"""What holds of the oneDNN engine in whole nets; single kernels are under the contract suite."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest

pytest.importorskip("caffe_engine_onednn")

from caffe_engine_onednn.library import missing

from caffe_core.layer import Phase
from caffe_core.net import Net
from caffe_core.solver import Solver

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

NET = """
layer { name: "in" type: "Input" top: "x" top: "label"
  input_param { shape { dim: 4 dim: 3 dim: 12 dim: 12 } shape { dim: 4 } } }
layer { name: "c1" type: "Convolution" bottom: "x" top: "c1"
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 bias_term: false
    weight_filler { type: "msra" } } }
layer { name: "bn" type: "BatchNorm" bottom: "c1" top: "c1" }
layer { name: "sc" type: "Scale" bottom: "c1" top: "c1" scale_param { bias_term: true } }
layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" }
layer { name: "p1" type: "Pooling" bottom: "c1" top: "p1"
  pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "c2" type: "Convolution" bottom: "p1" top: "c2"
  convolution_param { num_output: 8 kernel_size: 1 weight_filler { type: "msra" } } }
layer { name: "sum" type: "Eltwise" bottom: "p1" bottom: "c2" top: "sum" }
layer { name: "cat" type: "Concat" bottom: "sum" bottom: "c2" top: "cat" }
layer { name: "ip" type: "InnerProduct" bottom: "cat" top: "ip"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
"""
LOSS = """
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
SOLVER = """
net_param { %s } base_lr: 0.005 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.001 random_seed: 3
solver_mode: CPU max_iter: 20
"""


def feed(net, seed=0):
    rng = np.random.default_rng(seed)
    net.blobs["x"].data[...] = rng.standard_normal(net.blobs["x"].shape)
    net.blobs["label"].data[...] = rng.integers(0, 5, net.blobs["label"].shape)
    return net


def fed(phase=Phase.TRAIN, **options):
    text = NET + LOSS if phase is Phase.TRAIN else NET
    return feed(Net(text, phase, seed=1, **options))


def test_every_kernel_of_the_net_is_the_engine_s():
    plain = {"in"}
    engines = {node.name: node.engine for node in fed().nodes}
    assert {name for name, engine in engines.items() if engine == "caffe"} == plain


@pytest.mark.parametrize("memory_format", ["auto", "contiguous", "channels_last"])
def test_training_follows_numpy_s(memory_format):
    losses = []
    for engine in ("caffe", "onednn"):
        solver = Solver(SOLVER % (NET + LOSS), engines=(engine,), memory_format=memory_format)
        for step in range(20):
            feed(solver.net, seed=step % 4)
            solver.step(1)
            losses.append(solver.smoothed_loss)
    np.testing.assert_allclose(losses[20:], losses[:20], rtol=1e-3)


def test_normalisation_is_folded_into_the_convolution_where_nothing_runs_backward():
    trained = fed()
    for _ in range(3):
        trained.forward()
    results = []
    for options in ({"engines": ("caffe",)}, {}, {"passes": ()}):
        net = fed(Phase.TEST, **options)
        net.share_trained_layers_with(trained)
        net.forward()
        results.append({name: blob.data.copy() for name, blob in net.blobs.items()})
    notes = fed(Phase.TEST).notes
    assert notes["fold_channels"] == ["c1 computes bn", "c1 computes sc"]
    assert notes["fuse_neurons"] == ["c1 computes r1"]
    for other in results[1:]:
        for name, expected in results[0].items():
            np.testing.assert_allclose(other[name], expected, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("passes", [None, ()])
def test_a_normalisation_by_stored_statistics_has_numpy_s_gradients(passes):
    text = NET.replace(
        'type: "BatchNorm"', 'type: "BatchNorm" batch_norm_param { use_global_stats: true }'
    )
    plain, net = (
        feed(Net(text + LOSS, Phase.TRAIN, seed=1, **options))
        for options in ({"engines": ("caffe",)}, {"passes": passes})
    )
    statistics = (np.linspace(-1, 1, 8), np.linspace(0.5, 2, 8), 1)
    for each in (plain, net):
        for blob, values in zip(each.params["bn"], statistics, strict=True):
            blob.data[...] = values
        each.params["sc"][0].data[...] = np.linspace(1, 2, 8)
        each.forward()
        each.backward()
    assert passes == () or net.notes["fold_channels"] == ["bn computes sc"]
    for name, blobs in plain.params.items():
        for blob, other in zip(blobs, net.params[name], strict=True):
            np.testing.assert_allclose(
                other.diff, blob.diff, rtol=1e-4, atol=1e-5, err_msg=f"learned blob of {name}"
            )


@pytest.mark.parametrize("memory_format", ["auto", "contiguous"])
@pytest.mark.parametrize("stored", ["false", "true"])
@pytest.mark.parametrize("way", [("ip", "sc"), ("bn", "bn"), ("sc", "sc"), "watched"])
def test_backward_may_begin_and_end_between_a_normalisation_and_its_scale(
    way, stored, memory_format
):
    text = NET.replace(
        'type: "BatchNorm"', f'type: "BatchNorm" batch_norm_param {{ use_global_stats: {stored} }}'
    )
    found = []
    for options in ({"engines": ("caffe",)}, {"memory_format": memory_format}):
        net = feed(Net(text + LOSS, Phase.TRAIN, seed=1, **options))
        for blob, values in zip(net.params["bn"], (0.5, 2, 1), strict=True):
            blob.data[...] = values
        net.params["sc"][0].data[...] = np.linspace(1, 2, 8)
        net.forward()
        if way == "watched":
            net.announce = lambda node, doing: None
            net.backward()
        else:
            net.blobs["c1"].diff[...] = np.linspace(-1, 1, net.blobs["c1"].count).reshape(
                net.blobs["c1"].shape
            )
            net.backward(*way)
        learned = [blob.diff.copy() for blobs in net.params.values() for blob in blobs]
        found.append([net.blobs["c1"].diff.copy(), *learned])
    for expected, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


RESIDUAL = """
layer { name: "in" type: "Input" top: "x" top: "label"
  input_param { shape { dim: 2 dim: 16 dim: 7 dim: 7 } shape { dim: 2 } } }
layer { name: "a" type: "Convolution" bottom: "x" top: "a"
  convolution_param { num_output: 16 kernel_size: 1 weight_filler { type: "msra" } } }
layer { name: "b" type: "Convolution" bottom: "a" top: "b"
  convolution_param { num_output: 16 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum" eltwise_param { %s } }
layer { name: "relu" type: "ReLU" bottom: "sum" top: "sum" }
layer { name: "pool" type: "Pooling" bottom: "sum" top: "pool"
  pooling_param { pool: AVE global_pooling: true } }
"""


@pytest.mark.parametrize("memory_format", ["auto", "contiguous", "channels_last"])
@pytest.mark.parametrize(("how", "joined"), [("", True), ("coeff: 1 coeff: -1", False)])
def test_a_residual_sum_is_computed_by_the_convolution_before(how, joined, memory_format):
    nets = [
        feed(Net(RESIDUAL % how, seed=1, memory_format=memory_format, **options))
        for options in ({"engines": ("caffe",)}, {"keep": ()})
    ]
    assert nets[1].notes["fuse_joins"] == (["b computes sum"] if joined else [])
    for _ in range(2):
        outputs = [net.forward() or net.blobs["pool"].data for net in nets]
        np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-5)
        for net in nets:
            net.blobs["x"].reshape(3, 16, 9, 9)
            feed(net, seed=1)


def test_a_residual_sum_is_written_over_a_blob_that_nobody_needs_any_more():
    between = """
layer { name: "m" type: "Convolution" bottom: "a" top: "m"
  convolution_param { num_output: 16 kernel_size: 1 weight_filler { type: "msra" } } }
"""
    again = """
layer { name: "c" type: "Convolution" bottom: "sum" top: "c"
  convolution_param { num_output: 16 kernel_size: 1 weight_filler { type: "msra" } } }
layer { name: "d" type: "Convolution" bottom: "c" top: "d"
  convolution_param { num_output: 16 kernel_size: 1 weight_filler { type: "msra" } } }
layer { name: "more" type: "Eltwise" bottom: "sum" bottom: "d" top: "more" }
layer { name: "pool"'
"""
    text = (RESIDUAL % "").replace('layer { name: "b"', between + 'layer { name: "b"', 1)
    text = text.replace('bottom: "a" top: "b"', 'bottom: "m" top: "b"')
    text = text.replace('layer { name: "pool"', again.strip().removesuffix("'"))
    text = text.replace('bottom: "sum" top: "pool"', 'bottom: "more" top: "pool"')
    plain = feed(Net(text, seed=1, engines=("caffe",)))
    net = feed(Net(text, seed=1, keep=()))
    assert net.notes["fuse_joins"] == ["b computes sum, in place", "d computes more, in place"]
    for size in (7, 9, 7):
        for each in (plain, net):
            each.blobs["x"].reshape(2, 16, size, size)
            feed(each).forward()
        outputs = (each.blobs["pool"].data for each in (plain, net))
        np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-5)
    net.forward(end="b")  # undoes the first
    net.forward()
    outputs = (each.blobs["pool"].data for each in (plain, net))
    np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-5)


def test_what_is_folded_in_follows_the_statistics():
    net = fed(Phase.TEST)
    net.params["bn"][2].data[...] = 1
    net.params["bn"][1].data[...] = 1
    net.forward()
    before = net.blobs["c1"].data.copy()
    net.params["bn"][1].data[...] = 4
    net.forward()
    np.testing.assert_allclose(net.blobs["c1"].data, before / 2, rtol=1e-3, atol=1e-6)


def test_another_batch_size_and_back():
    net = fed(Phase.TEST)
    net.forward()
    expected = net.blobs["ip"].data.copy()
    for items in (7, 1, 4):
        net.blobs["x"].reshape(items, 3, 12, 12)
        net.blobs["label"].reshape(items)
        feed(net)
        net.forward()
    np.testing.assert_allclose(net.blobs["ip"].data, expected, rtol=1e-5, atol=1e-6)


def test_threads_run_nets_of_their_own():
    expected = fed(Phase.TEST)
    expected.forward()
    nets, found = [fed(Phase.TEST) for _ in range(3)], []

    def run(net):
        for _ in range(20):
            net.forward()
        found.append(net.blobs["ip"].data.copy())

    threads = [threading.Thread(target=run, args=(net,)) for net in nets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    for each in found:
        np.testing.assert_allclose(each, expected.blobs["ip"].data, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_child_computes_too():
    net = fed(Phase.TEST)
    net.forward()
    child = os.fork()
    if child == 0:
        net.forward()
        os._exit(0)
    for _ in range(600):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        pytest.fail("the child hangs")
    assert status == 0
    net.forward()
