"""The nets that are measured are those that everybody knows."""

from __future__ import annotations

import pytest

from benchmarks.nets import NETS, generate, path
from benchmarks.task import Task
from caffe_core import Net, Phase
from caffe_core.proto.files import load_net

AUXILIARY = 6_379_728  # learned by the two auxiliary classifiers of GoogLeNet


def unfilled(source):
    """A definition whose weights stay 0: random numbers would take long."""
    param = load_net(source)
    for layer in param.layer:
        for field in ("convolution_param", "inner_product_param", "recurrent_param"):
            if layer.HasField(field):
                getattr(layer, field).ClearField("weight_filler")
    return param


def learned(net):
    statistics = {node.name for node in net.nodes if node.layer.type == "BatchNorm"}
    return sum(
        blob.count for name, blobs in net.params.items() if name not in statistics for blob in blobs
    )


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("phase", Phase)
def test_a_net_learns_as_many_values_as_it_should(name, phase):
    net = Net(unfilled(path(name)), phase, seed=0)
    auxiliary = AUXILIARY if name == "googlenet" and phase is Phase.TRAIN else 0
    assert learned(net) == NETS[name].parameters + auxiliary


def test_googlenet_has_its_auxiliary_losses():
    weights = Net(unfilled(path("googlenet")), Phase.TRAIN, seed=0).loss_weights
    losses = {name: weight for name, weight in weights.items() if weight}
    assert losses == {
        "loss1/loss": pytest.approx(0.3),
        "loss2/loss": pytest.approx(0.3),
        "loss": 1,
    }


@pytest.mark.parametrize("name", NETS)
def test_outputs_are_one_probability_for_each_class(name):
    net = Net(unfilled(Task(name, training=False, batch=3).definition()), Phase.TEST, seed=0)
    (output,) = net.outputs
    steps = net.blobs["data"].shape[0] if name == "lstm" else 1
    assert net.blobs[output].count == 3 * steps * NETS[name].classes


@pytest.mark.parametrize("definition", generate.GENERATED, ids=lambda each: each.__name__)
def test_generated_files_are_up_to_date(definition):
    assert path(definition.__name__).read_text() == definition(), (
        "run python -m benchmarks.nets.generate"
    )
