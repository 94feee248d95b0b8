"""Each generation of the schema becomes the current one, as BVLC Caffe upgrades it."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from caffe_core.errors import ParseError
from caffe_core.proto import caffe_pb2
from caffe_core.proto.files import load_net, load_solver
from caffe_core.proto.text import parse
from caffe_core.proto.upgrade import upgrade_net, v0, v1

CASES = Path(__file__).parents[2] / "golden" / "cases" / "nets"


def upgraded_cases() -> list[Path]:
    found = []
    for path in sorted(CASES.glob("*.npz")):
        with np.load(path) as case:
            if "upgraded" in case:
                found.append(path)
    return found


def net(text: str):
    return parse(text, caffe_pb2.NetParameter)


@pytest.mark.parametrize("path", upgraded_cases(), ids=lambda path: path.stem)
def test_equals_what_bvlc_makes_of_it(path):
    with np.load(path) as case:
        assert load_net(str(case["prototxt"])) == net(str(case["upgraded"]))


def test_the_golden_cases_are_there():
    assert {"v0_net", "v0_data", "v1_share", "input_fields"} <= {p.stem for p in upgraded_cases()}


def test_upgrading_again_changes_nothing():
    once = load_net('input: "x" input_shape { dim: 2 } layers { name: "r" type: RELU }')
    again = load_net(once)
    assert again == once


def v0_net(*layers: str):
    return load_net("".join(f"layers {{ {layer} }}\n" for layer in layers))


def test_padding_layers_are_folded_into_their_readers():
    upgraded = v0_net(
        'layer { name: "p" type: "padding" pad: 2 } bottom: "x" top: "padded"',
        'layer { name: "c" type: "conv" num_output: 3 kernelsize: 5 } bottom: "padded" top: "y"',
        'layer { name: "p2" type: "padding" pad: 1 } bottom: "y" top: "padded"',
        'layer { name: "s" type: "pool" kernelsize: 3 } bottom: "padded" top: "z"',
        'layer { name: "q" type: "relu" } bottom: "z" top: "padded"',
        'layer { name: "f" type: "innerproduct" num_output: 3 } bottom: "padded" top: "o"',
    )
    assert [layer.name for layer in upgraded.layer] == ["c", "s", "q", "f"]
    conv, pool, _, last = upgraded.layer
    assert (list(conv.bottom), list(conv.convolution_param.pad)) == (["x"], [2])
    assert (list(pool.bottom), pool.pooling_param.pad) == (["y"], 1)
    assert list(last.bottom) == ["padded"]


def test_padding_that_another_type_reads():
    with pytest.raises(ParseError) as caught:
        v0_net(
            'layer { name: "p" type: "padding" pad: 2 } bottom: "x" top: "padded"',
            'layer { name: "r" type: "relu" } bottom: "padded" top: "y"',
        )
    assert str(caught.value) == (
        "<string>: r (relu): bottom 'padded' comes from a padding layer, "
        "which only a conv or pool layer with one bottom may read"
    )


def test_padding_with_two_bottoms():
    with pytest.raises(ParseError, match=r"p \(padding\): expected one bottom and one top"):
        v0_net('layer { name: "p" type: "padding" } bottom: "x" bottom: "y" top: "z"')


def test_unknown_type_of_v0():
    with pytest.raises(ParseError) as caught:
        v0_net('layer { name: "c" type: "convolution" }')
    assert str(caught.value).startswith("<string>: c: no layer type 'convolution' in this format.")


def test_v0_parameter_that_the_type_does_not_have(caplog):
    upgraded = v0_net('layer { name: "r" type: "relu" num_output: 3 stride: 2 } top: "y"')
    assert upgraded == net('layer { name: "r" type: "ReLU" top: "y" }')
    errors = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert errors == [
        "Unknown parameter num_output for layer type relu",
        "Unknown parameter stride for layer type relu",
        "Warning: had one or more problems upgrading V0NetParameter to NetParameter (see above); "
        "continuing anyway.",
    ]


def test_v0_parameters_of_other_types():
    upgraded = v0_net(
        'layer { name: "c" type: "concat" concat_dim: 2 }',
        'layer { name: "h" type: "hdf5_output" hdf5_output_param { file_name: "o.h5" } }',
        'layer { name: "t" type: "tanh" new_num: 3 }',
        'layer { name: "l" type: "lrn" k: 2 } ',
    )
    concat, output, tanh, lrn = upgraded.layer
    assert concat.concat_param.concat_dim == 2
    assert output.hdf5_output_param.file_name == "o.h5"
    assert tanh == net('layer { name: "t" type: "TanH" }').layer[0]
    assert lrn.lrn_param.k == 2


def test_v0_layer_without_a_type_stays_without():
    assert v0_net('layer { name: "a" }') == net('layer { name: "a" }')


def test_v1_layers_among_v0_layers_are_kept():
    upgraded = v0_net('layer { name: "a" type: "relu" }', 'name: "b" type: TANH')
    assert [(layer.name, layer.type) for layer in upgraded.layer] == [("a", "ReLU"), ("b", "TanH")]


def test_every_v0_type_has_a_v1_type():
    known = caffe_pb2.V1LayerParameter.LayerType.keys()
    assert set(v0._TYPES.values()) <= set(known)


def test_names_of_the_v1_types():
    kinds = caffe_pb2.V1LayerParameter.LayerType.DESCRIPTOR.values_by_name
    assert {name: v1.type_name(kind.number) for name, kind in kinds.items()} == {
        "NONE": "", "ABSVAL": "AbsVal", "ACCURACY": "Accuracy", "ARGMAX": "ArgMax", "BNLL": "BNLL",
        "CONCAT": "Concat", "CONTRASTIVE_LOSS": "ContrastiveLoss", "CONVOLUTION": "Convolution",
        "DATA": "Data", "DECONVOLUTION": "Deconvolution", "DROPOUT": "Dropout",
        "DUMMY_DATA": "DummyData", "EUCLIDEAN_LOSS": "EuclideanLoss", "ELTWISE": "Eltwise",
        "EXP": "Exp", "FLATTEN": "Flatten", "HDF5_DATA": "HDF5Data", "HDF5_OUTPUT": "HDF5Output",
        "HINGE_LOSS": "HingeLoss", "IM2COL": "Im2col", "IMAGE_DATA": "ImageData",
        "INFOGAIN_LOSS": "InfogainLoss", "INNER_PRODUCT": "InnerProduct", "LRN": "LRN",
        "MEMORY_DATA": "MemoryData", "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
        "MVN": "MVN", "POOLING": "Pooling", "POWER": "Power", "RELU": "ReLU",
        "SIGMOID": "Sigmoid", "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
        "SILENCE": "Silence", "SOFTMAX": "Softmax", "SOFTMAX_LOSS": "SoftmaxWithLoss",
        "SPLIT": "Split", "SLICE": "Slice", "TANH": "TanH", "WINDOW_DATA": "WindowData",
        "THRESHOLD": "Threshold",
    }  # fmt: skip


def test_every_v1_field_has_a_place_in_the_current_layer():
    special = {"type", "layer", *v1._PARAM_SPEC}
    current = caffe_pb2.LayerParameter.DESCRIPTOR.fields_by_name
    for field in caffe_pb2.V1LayerParameter.DESCRIPTOR.fields:
        if field.name not in special:
            assert field.message_type is current[field.name].message_type or (
                field.message_type.full_name == current[field.name].message_type.full_name
            )


def test_v1_param_specs_of_different_lengths():
    upgraded = load_net(
        'layers { name: "f" type: INNER_PRODUCT blobs_lr: 1 blobs_lr: 2 weight_decay: 0 '
        'param: "w" blob_share_mode: PERMISSIVE loss_weight: 3 include { phase: TEST } }'
    )
    assert upgraded == net(
        'layer { name: "f" type: "InnerProduct" loss_weight: 3 include { phase: TEST } '
        'param { name: "w" share_mode: PERMISSIVE lr_mult: 1 decay_mult: 0 } param { lr_mult: 2 } }'
    )


def test_layer_next_to_layers_is_ignored_and_said(caplog):
    upgraded = load_net('layer { name: "new" } layers { name: "old" type: RELU }')
    assert [layer.name for layer in upgraded.layer] == ["old"]
    assert "already specifies 'layer' fields; these will be ignored" in caplog.text
    assert "Successfully" not in caplog.text


def test_weights_stay_with_their_layers():
    upgraded = load_net('layers { layer { type: "conv" blobs { num: 3 data: 7 } } }')
    assert upgraded.layer[0].blobs[0].num == 3
    upgraded = load_net("layers { type: DECONVOLUTION blobs { data: 7 } }")
    assert list(upgraded.layer[0].blobs[0].data) == [7]


@pytest.mark.parametrize(
    "fields",
    [
        'input: "a" input: "b" input_shape { dim: 1 }',
        'input: "a" input_shape { dim: 1 } input_shape { dim: 1 }',
        'input: "a" input_dim: 1 input_dim: 2 input_dim: 3',
        'input: "a" input: "b" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4',
    ],
)
def test_inputs_without_a_shape_each(fields):
    with pytest.raises(ParseError, match=r"<string>: net 'n' has . input and .*; give every input"):
        load_net(f'name: "n" {fields}\n')


def test_inputs_of_which_the_net_says_no_shape_are_dropped():
    assert load_net('input: "a" layer { name: "l" }') == net('layer { name: "l" }')


def test_batch_norm_with_three_params_is_frozen():
    param = 'param { name: "m" } param { lr_mult: 2 } param { decay_mult: 3 }'
    upgraded = load_net(f'layer {{ type: "BatchNorm" {param} }} layer {{ type: "PReLU" {param} }}')
    frozen, other = upgraded.layer
    assert [(spec.lr_mult, spec.decay_mult) for spec in frozen.param] == [(0, 0)] * 3
    assert frozen.param[0].name == "m"
    assert other.param[1].lr_mult == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SGD", "SGD"),
        ("NESTEROV", "Nesterov"),
        ("ADAGRAD", "AdaGrad"),
        ("RMSPROP", "RMSProp"),
        ("ADADELTA", "AdaDelta"),
        ("ADAM", "Adam"),
    ],
)
def test_solver_types(old, new):
    solver = load_solver(f"solver_type: {old}\n")
    assert (solver.type, solver.HasField("solver_type")) == (new, False)


def test_solver_type_in_both_forms():
    with pytest.raises(ParseError) as caught:
        load_solver('solver_type: ADAM type: "SGD"\n')
    assert str(caught.value) == (
        '<string>: the solver has both `solver_type: ADAM` and `type: "SGD"`; '
        "remove `solver_type`, which is the old form"
    )


def test_the_log_has_the_words_of_caffe(caplog):
    message = net(
        'input: "x" input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1 '
        'layers { layer { name: "d" type: "data" scale: 2 } } '
        "layers { type: DATA data_param { scale: 2 } }"
    )
    with caplog.at_level(logging.INFO, "caffe"):
        upgrade_net(message, "old.prototxt")
    assert [record.message for record in caplog.records if record.levelno == logging.INFO] == [
        "Attempting to upgrade input file specified using deprecated V0LayerParameter: "
        "old.prototxt",
        "Successfully upgraded file specified using deprecated V0LayerParameter",
        "Attempting to upgrade input file specified using deprecated transformation parameters: "
        "old.prototxt",
        "Successfully upgraded file specified using deprecated data transformation parameters.",
        "Attempting to upgrade input file specified using deprecated V1LayerParameter: "
        "old.prototxt",
        "Successfully upgraded file specified using deprecated V1LayerParameter",
        "Attempting to upgrade input file specified using deprecated input fields: old.prototxt",
        "Successfully upgraded file specified using deprecated input fields.",
    ]
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 3


def test_a_current_net_is_not_touched(caplog):
    text = 'name: "n" layer { name: "r" type: "ReLU" }'
    with caplog.at_level(logging.INFO, "caffe"):
        assert load_net(text) == net(text)
    assert not caplog.records
