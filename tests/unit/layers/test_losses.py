"""Losses: formulas in their corners, what gets no gradient, and refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from caffe_core.errors import CaffeError, LayerError
from caffe_core.layer import Phase
from caffe_core.net import Net
from caffe_core.proto import caffe_pb2

BOTTOMS = ("x", "y", "z")
NET = """
force_backward: true
layer {{ name: "in" type: "Input" {tops} input_param {{ {shapes} }} }}
layer {{ name: "loss" type: "{type}" {bottoms} top: "loss" {params} }}
"""


def build(type_name, *shapes, params="", **options):
    names = BOTTOMS[: len(shapes)]
    dims = [" ".join(f"dim: {length}" for length in shape) for shape in shapes]
    net = NET.format(
        type=type_name,
        params=params,
        tops=" ".join(f'top: "{name}"' for name in names),
        bottoms=" ".join(f'bottom: "{name}"' for name in names),
        shapes=" ".join(f"shape {{ {each} }}" for each in dims),
    )
    return Net(net, Phase.TRAIN, **{"dtype": np.float64, **options})


def run(type_name, *values, params="", **options):
    """Return the loss, and the diff of each bottom."""
    arrays = [np.asarray(each, np.float64) for each in values]
    net = build(type_name, *(each.shape for each in arrays), params=params, **options)
    for name, array in zip(BOTTOMS, arrays, strict=False):
        net.blobs[name].data[...] = array
    net.forward_backward()
    loss = float(net.blobs["loss"].data)
    return loss, [net.blobs[name].diff.copy() for name in BOTTOMS[: len(arrays)]]


LABEL_LOSSES = ["HingeLoss", "MultinomialLogisticLoss", "SigmoidCrossEntropyLoss"]


@pytest.mark.parametrize("type_name", LABEL_LOSSES)
def test_labels_get_no_gradient_unless_told_so_by_mistake(type_name):
    shapes = ((3, 1), (3, 1))
    net = build(type_name, *shapes)
    net.blobs["y"].diff[...] = 7
    net.forward_backward()
    assert (net.blobs["y"].diff == 7).all()
    net.nodes[-1].propagate_down[1] = True
    message = rf"loss \({type_name}\): bottom 'y' is asked for a gradient, but has none"
    with pytest.raises(LayerError, match=message):
        net.forward_backward()


@pytest.mark.parametrize("type_name", ["HingeLoss", "MultinomialLogisticLoss"])
def test_one_label_an_item(type_name):
    message = r"bottom 'x' \(3, 4\) needs 3 labels, one for each item, bottom 'y' \(2,\) has 2"
    with pytest.raises(LayerError, match=message):
        build(type_name, (3, 4), (2,))
    with pytest.raises(LayerError, match=r"label 4 at .* is none of the 4 classes"):
        run(type_name, np.ones((2, 4)), [0, 4])


@pytest.mark.parametrize("type_name", ["EuclideanLoss", "SigmoidCrossEntropyLoss"])
@pytest.mark.parametrize("other", [(4, 2), (2, 4), ()])
def test_items_must_agree(type_name, other):
    message = r"bottom 'x' \(4, 3\) has 4 items of 3 elements, bottom 'y' .* as many items of one"
    with pytest.raises(LayerError, match=message):
        build(type_name, (4, 3), other)


@pytest.mark.parametrize(
    ("type_name", "shapes"),
    [
        ("EuclideanLoss", ((0, 3), (0, 3))),
        ("SigmoidCrossEntropyLoss", ((0, 3), (0, 3))),
        ("HingeLoss", ((0, 3), (0,))),
        ("MultinomialLogisticLoss", ((0, 3), (0,))),
        ("ContrastiveLoss", ((0, 3), (0, 3), (0,))),
        ("InfogainLoss", ((0, 3), (0,), (3, 3))),
    ],
)
def test_an_empty_batch_costs_nothing(type_name, shapes):
    net = build(type_name, *shapes)
    assert net.forward() == 0
    net.backward()


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("type_name", ["EuclideanLoss", "SigmoidCrossEntropyLoss"])
def test_items_of_other_shapes_are_compared_in_order(type_name, memory_format):
    rng = np.random.default_rng(1)
    x, y = rng.uniform(size=(2, 3, 2, 4, 2))
    expected, (dx, _) = run(type_name, x, y)
    found, (dx_found, dy) = run(type_name, x, y.reshape(3, 16), memory_format=memory_format)
    assert found == pytest.approx(expected)
    np.testing.assert_allclose(dx_found, dx)
    if type_name == "EuclideanLoss":
        np.testing.assert_allclose(dy, -dx.reshape(3, 16))


def test_euclidean():
    loss, (dx, dy) = run(
        "EuclideanLoss", [[1, 2], [3, 4]], [[0, 2], [3, 1]], params="loss_weight: 3"
    )
    assert loss == pytest.approx((1 + 9) / 4)
    np.testing.assert_allclose(dx, [[1.5, 0], [0, 4.5]])
    np.testing.assert_allclose(dy, -dx)


@pytest.mark.parametrize(
    ("params", "divisor"),
    [
        ("", 2),
        ("loss_param { normalization: VALID }", 6),
        ("loss_param { normalization: FULL }", 6),
        ("loss_param { normalization: NONE }", 1),
        ("loss_param { normalize: true }", 6),
        ("loss_param { normalize: false }", 2),
        ("loss_param { normalize: true normalization: NONE }", 1),
    ],
)
def test_what_sigmoid_cross_entropy_is_divided_by(params, divisor):
    loss, (dx, _) = run("SigmoidCrossEntropyLoss", np.zeros((2, 3)), np.ones((2, 3)), params=params)
    assert loss == pytest.approx(6 * math.log(2) / divisor)
    np.testing.assert_allclose(dx, -0.5 / divisor)


def test_targets_are_cut_to_whole_numbers_only_to_see_whether_they_are_ignored():
    params = "loss_param { ignore_label: 0 normalization: VALID }"
    x, t = [[1.0, -2.0, np.inf, 3.0]], [[-0.9, 1.0, 0.5, -1.5]]
    loss, (dx, _) = run("SigmoidCrossEntropyLoss", x, t, params=params)
    expected = [math.log1p(math.exp(2)), 4.5 + math.log1p(math.exp(3))]
    assert loss == pytest.approx(sum(expected) / 2)
    assert dx[0, [0, 2]].tolist() == [0, 0]
    p = 1 / (1 + np.exp([2, -3]))
    np.testing.assert_allclose(dx[0, [1, 3]], (p - [1, -1.5]) / 2)


def test_sigmoid_cross_entropy_of_extreme_scores_is_finite():
    x, t = [[800.0, -800.0, 800.0, -800.0]], [[1, 0, 0, 1]]
    loss, (dx, _) = run("SigmoidCrossEntropyLoss", x, t, dtype=np.float32)
    assert loss == 1600
    np.testing.assert_allclose(dx, [[0, 0, 1, -1]])


def test_nothing_but_ignored_targets_costs_nothing():
    params = "loss_param { ignore_label: -1 normalization: VALID }"
    loss, (dx, _) = run("SigmoidCrossEntropyLoss", np.ones((2, 2)), -np.ones((2, 2)), params=params)
    assert loss == 0
    assert not dx.any()


def test_hinge():
    x, label = [[2.0, 0.5, -3.0], [-1.0, -0.5, 0.0]], [0, 1]
    loss, (dx, _) = run("HingeLoss", x, label)
    assert loss == pytest.approx((1.5 + 1.5 + 1) / 2)
    np.testing.assert_allclose(dx, [[0, 0.5, 0], [0, -0.5, 0.5]])
    loss, (dx, _) = run("HingeLoss", x, label, params="hinge_loss_param { norm: L2 }")
    assert loss == pytest.approx((1.5**2 + 1.5**2 + 1) / 2)
    np.testing.assert_allclose(dx, [[0, 1.5, 0], [0, -1.5, 1]])


def test_multinomial_probabilities_have_a_least_value():
    x = [[0.5, 0.5], [0.0, 1.0]]
    loss, (dx, _) = run("MultinomialLogisticLoss", x, [0, 0], dtype=np.float32)
    assert loss == pytest.approx((math.log(2) + 20 * math.log(10)) / 2)
    np.testing.assert_allclose(dx, [[-1, 0], [-0.5e20, 0]], rtol=1e-6)


PAIRS = [[3.0, 4.0], [0.3, 0.4], [0.0, 0.0], [3.0, 4.0]], np.zeros((4, 2))


@pytest.mark.parametrize(
    ("params", "costs", "slopes"),
    [
        ("", [25, 0.25, 1, 0], [1, -0.5 / 0.5001, -1 / 1e-4, 0]),
        ("margin: 6", [25, 5.5**2, 36, 1], [1, -5.5 / 0.5001, -6 / 1e-4, -1 / 5.0001]),
        ("margin: 2 legacy_version: true", [25, 1.75, 2, 0], [1, -1, -1, 0]),
    ],
)
def test_contrastive(params, costs, slopes):
    loss, (da, db, _) = run(
        "ContrastiveLoss", *PAIRS, [1, 0, 0.9, 0], params=f"contrastive_loss_param {{ {params} }}"
    )
    assert loss == pytest.approx(sum(costs) / 8)
    np.testing.assert_allclose(da, np.array(slopes)[:, None] * PAIRS[0] / 4)
    np.testing.assert_array_equal(db, -da)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((4, 3), (4, 2), (4,)), "bottom 'x' .* has 4 items of 3 elements, bottom 'y' .* of 2"),
        (((4, 3, 2), (4, 6), (4,)), r"bottom 'x' has shape \(4, 3, 2\), expected one vector"),
        (((4, 3), (4, 3), (3,)), r"needs one number for each pair, bottom 'z' \(3,\) has 3"),
    ],
)
def test_pairs_that_are_refused(shapes, message):
    with pytest.raises(LayerError, match=message):
        build("ContrastiveLoss", *shapes)


def test_infogain_with_the_identity_is_softmax_loss():
    rng = np.random.default_rng(2)
    x, label = rng.standard_normal((2, 3, 2, 2)), rng.integers(0, 3, (2, 2, 2))
    params = "loss_param { ignore_label: 1 }"
    expected, (dx, _) = run("SoftmaxWithLoss", x, label, params=params)
    found, (dx_found, _, matrix_diff) = run("InfogainLoss", x, label, np.eye(3), params=params)
    assert found == pytest.approx(expected)
    np.testing.assert_allclose(dx_found, dx, atol=1e-12)
    assert not matrix_diff.any()


def test_infogain_takes_the_bottom_rather_than_the_file():
    params = 'infogain_loss_param { source: "no such file" }'
    assert run("InfogainLoss", [[1.0, 2.0]], [0], np.zeros((2, 2)), params=params)[0] == 0


def test_infogain_probabilities_have_a_least_value():
    loss, _ = run("InfogainLoss", [[0.0, 1000.0]], [0], np.eye(2), dtype=np.float32)
    assert loss == pytest.approx(20 * math.log(10))


def test_infogain_matrix_from_a_file(tmp_path):
    path = tmp_path / "H.binaryproto"
    blob = caffe_pb2.BlobProto(num=1, channels=1, height=2, width=2, data=[1, 2, 3, 4])
    path.write_bytes(blob.SerializeToString())
    x, label, params = (
        [[1.0, 2.0], [0.0, 3.0]],
        [0, 1],
        f'infogain_loss_param {{ source: "{path}" }}',
    )
    expected, _ = run("InfogainLoss", x, label, [[1, 2], [3, 4]])
    assert run("InfogainLoss", x, label, params=params)[0] == pytest.approx(expected)
    message = (
        r"the matrix in '.*H\.binaryproto' is \(1, 1, 2, 2\), but bottom 'x' \(1, 3\) has 3 cl"
    )
    with pytest.raises(LayerError, match=message):
        build("InfogainLoss", (1, 3), (1,), params=params)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("", "has no matrix; set infogain_loss_param.source, or give a bottom 2"),
        ('infogain_loss_param { source: "H" }', r"loss \(InfogainLoss\): H: cannot be read"),
        ("loss_param { normalize: true }", "does not know loss_param.normalize; use normalization"),
    ],
)
def test_infogain_without_what_it_needs(params, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CaffeError, match=message):
        build("InfogainLoss", (2, 3), (2,), params=params)


def test_the_infogain_matrix_gets_no_gradient():
    net = build("InfogainLoss", (2, 3), (2,), (3, 3))
    net.nodes[-1].propagate_down[2] = True
    with pytest.raises(LayerError, match="bottom 'z' is asked for a gradient, but has none"):
        net.forward_backward()
