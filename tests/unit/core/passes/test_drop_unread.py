from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import CaffeError
from caffe_core.layer import Phase
from caffe_core.net import Net


def conv(name, bottom, kernel=1, stride=1, outputs=4):
    pad = kernel // 2
    return f"""
    layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}"
      convolution_param {{ num_output: {outputs} kernel_size: {kernel} pad: {pad} stride: {stride}
        weight_filler {{ type: "xavier" }} }} }}"""


def normalised(name, bottom, **options):
    return conv(name, bottom, **options) + "".join(
        f'layer {{ name: "{name}/{kind}" type: "{kind}" bottom: "{name}" top: "{name}" }}'
        for kind in ("BatchNorm", "Scale")
    )


def relu(blob):
    return f'layer {{ name: "{blob}/relu" type: "ReLU" bottom: "{blob}" top: "{blob}" }}'


INPUT = """layer { name: "x" type: "Input" top: "x"
  input_param { shape { dim: 2 dim: 4 dim: 9 dim: 8 } } }"""
SUM = 'layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "c" top: "sum" }'
RESIDUAL = (
    INPUT
    + (conv("a", "x") + relu("a"))
    + (normalised("b", "a", kernel=3) + relu("b"))
    + (normalised("c", "b") + SUM + relu("sum"))
    + (normalised("left", "sum", stride=2) + conv("right", "sum", stride=2))
)


def build(source, **options):
    net = Net(source, Phase.TEST, seed=5, **options)
    for layer in net.layers.values():
        if layer.type == "BatchNorm":
            layer.blobs[1].data[...] = layer.blobs[2].data[...] = 1
    return net


def run(net, height=9, width=8):
    net.blobs["x"].reshape(2, 4, height, width)
    net.blobs["x"].data[...] = np.random.default_rng(height).standard_normal((2, 4, height, width))
    net.forward()
    return {name: net.blobs[name].data.copy() for name in net.outputs}


def assert_same(net, source, engines, **sizes):
    whole = run(build(source, engines=engines), **sizes)
    for name, found in run(net, **sizes).items():
        np.testing.assert_allclose(found, whole[name], rtol=1e-5, atol=1e-5)


def notes(net):
    return net.notes["drop_unread"]


@pytest.mark.parametrize("engines", [("caffe",), None])
def test_strides_move_up_through_a_residual_block(engines):
    net = build(RESIDUAL, keep=(), engines=engines)
    assert notes(net) == [
        "b has stride 2x2 instead of 1x1",
        "a_a/relu_0_split_1_sampled gives sum positions 2x2 apart",
        "left has stride 1x1 instead of 2x2",
        "right has stride 1x1 instead of 2x2",
    ]
    for height, width in ((9, 8), (4, 5), (1, 1), (2, 7), (9, 8)):
        assert_same(net, RESIDUAL, engines, height=height, width=width)


def test_each_layer_by_itself_computes_the_same():
    net = build(RESIDUAL, keep=(), passes=("drop_unread",))
    assert_same(net, RESIDUAL, None)
    net.announce = lambda node, doing: None
    assert_same(net, RESIDUAL, None)


def test_a_stride_multiplies_that_of_the_convolution_before():
    source = INPUT + conv("a", "x", kernel=3, stride=2) + relu("a") + conv("b", "a", stride=3)
    net = build(source, keep=())
    assert notes(net) == [
        "a has stride 6x6 instead of 2x2",
        "b has stride 1x1 instead of 3x3",
    ]
    assert_same(net, source, None, height=27, width=20)


def test_a_chain_of_single_elements_hands_the_stride_on():
    source = INPUT + conv("a", "x", kernel=3) + conv("b", "a") + conv("c", "b", stride=2)
    net = build(source, keep=())
    assert notes(net) == ["a has stride 2x2 instead of 1x1", "c has stride 1x1 instead of 2x2"]
    assert_same(net, source, None)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(INPUT + conv("a", "x", kernel=3) + conv("b", "a", 3, 2), id="windows overlap"),
        pytest.param(
            INPUT + conv("a", "x", 3) + conv("b", "a", stride=2) + conv("c", "a"),
            id="another reads all",
        ),
        pytest.param(
            INPUT + conv("a", "x", 3) + conv("b", "a", stride=2) + conv("c", "a", stride=3),
            id="strides differ",
        ),
        pytest.param(
            INPUT
            + conv("a", "x", 3)
            + 'layer { name: "m" type: "MVN" bottom: "a" top: "m" }'
            + conv("b", "m", stride=2),
            id="positions depend on each other",
        ),
        pytest.param(INPUT + conv("b", "x", stride=2), id="inputs"),
    ],
)
def test_what_somebody_reads_is_computed(source):
    net = build(source, keep=())
    assert notes(net) == []
    assert_same(net, source, None)


def test_a_blob_that_is_to_be_kept_is_whole():
    net = build(RESIDUAL, keep=("sum",))
    assert notes(net) == []
    run(net)
    kept = build(RESIDUAL)
    run(kept)
    np.testing.assert_allclose(net.blobs["sum"].data, kept.blobs["sum"].data, rtol=1e-5, atol=1e-5)


def test_nothing_is_dropped_where_every_blob_is_kept_or_layers_learn():
    assert notes(build(RESIDUAL)) == ["every blob is kept"]
    loss = 'layer { name: "loss" type: "Reduction" bottom: "left" top: "loss" loss_weight: 1 }'
    training = Net(RESIDUAL + loss, Phase.TRAIN, keep=())
    assert notes(training) == ["layers run backward"]


def test_a_blob_with_fewer_positions_says_that_it_was_not_kept():
    net = build(RESIDUAL, keep=())
    run(net)
    with pytest.raises(CaffeError, match=r"'sum' was not kept"):
        _ = net.blobs["sum"].data


def test_what_is_saved_has_the_strides_of_the_definition(tmp_path):
    net = build(RESIDUAL, keep=())
    net.save(tmp_path / "net.caffemodel")
    assert all("sampled" not in layer.name for layer in net.param.layer)
    again = build(RESIDUAL, weights=tmp_path / "net.caffemodel")
    for name, found in run(again).items():
        np.testing.assert_allclose(found, run(net)[name], rtol=1e-5, atol=1e-5)
