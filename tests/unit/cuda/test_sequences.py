"""Normalisation and recurrence on a device: what lasts from one iteration to the next."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.device import CPU
from caffe_core.solver import Solver

SOLVER = """
net_param { name: "sequences"
  layer { name: "data" type: "Input" top: "data" top: "static" top: "cont" top: "label"
    input_param { shape { dim: 5 dim: 3 dim: 4 dim: 2 } shape { dim: 3 dim: 2 }
    shape { dim: 5 dim: 3 } shape { dim: 5 dim: 3 } } }
  layer { name: "bn" type: "BatchNorm" bottom: "data" top: "data" }
  layer { name: "ln" type: "LayerNorm" bottom: "data" top: "data" }
  layer { name: "relu" type: "ReLU" bottom: "data" top: "data" }
  layer { name: "lrn" type: "LRN" bottom: "data" top: "lrn" lrn_param { local_size: 3 } }
  layer { name: "gn" type: "GroupNorm" bottom: "lrn" top: "gn" group_norm_param { groups: 3 } }
  layer { name: "mvn" type: "MVN" bottom: "gn" top: "mvn" }
  layer { name: "lstm" type: "LSTM" bottom: "mvn" bottom: "cont" bottom: "static" top: "lstm"
    recurrent_param { num_output: 4 weight_filler { type: "xavier" } } }
  layer { name: "above" type: "ReLU" bottom: "lstm" top: "lstm" }
  layer { name: "rnn" type: "RNN" bottom: "lstm" bottom: "cont" top: "rnn"
    recurrent_param { num_output: 4 weight_filler { type: "xavier" } } }
  layer { name: "ip" type: "InnerProduct" bottom: "rnn" top: "ip"
    inner_product_param { axis: 2 num_output: 5 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label"
    softmax_param { axis: 2 } }
}
base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 random_seed: 3
"""


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_training_gives_what_it_gives_on_the_cpu(emulated, memory_format):
    here = Solver(SOLVER, device=CPU)
    there = Solver(SOLVER, device=emulated, memory_format=memory_format)
    for solver in (here, there):
        train(solver)
    for name, layer in here.net.layers.items():
        for mine, found in zip(kept(layer), kept(there.net.layers[name]), strict=True):
            np.testing.assert_allclose(found.data, mine.data, rtol=1e-4, atol=1e-6)


def train(solver):
    rng = np.random.default_rng(0)
    data, static, cont, label = (solver.net.blobs[name] for name in solver.net.inputs)
    for _ in range(3):
        for blob in (data, static):
            blob.data[...] = rng.standard_normal(blob.shape)
        cont.data[...] = rng.integers(4, size=cont.shape) > 0
        label.data[...] = rng.integers(5, size=label.shape)
        solver.step(1)


def kept(layer):
    """What a layer learns, counts or remembers."""
    return [*layer.blobs, *getattr(layer, "carried", {}).values()]
