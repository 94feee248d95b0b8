"""Prototxt in and out: what is accepted, and what each mistake is told."""

from __future__ import annotations

import pytest

from caffe_core.errors import ParseError
from caffe_core.proto import caffe_pb2
from caffe_core.proto.text import format, parse


def net(text: str):
    return parse(text, caffe_pb2.NetParameter, "net.prototxt")


def message_of(text: str, message_type=caffe_pb2.NetParameter, where: str = "net.prototxt") -> str:
    with pytest.raises(ParseError) as caught:
        parse(text, message_type, where)
    return str(caught.value)


def test_comments_separators_hex_lists_and_joined_text():
    layer = net(
        """
        # a comment
        layer: <
          name: "a" 'b'  # two halves
          type: 'Input'; top: ["x", "y"], phase: 1
          input_param { shape { dim: 0x10 dim: -1 dim: 010 } }
          loss_weight: 1. loss_weight: -.5f loss_weight: inf
        >
        """
    ).layer[0]
    assert (layer.name, layer.type, list(layer.top)) == ("ab", "Input", ["x", "y"])
    assert layer.phase == caffe_pb2.TEST
    assert list(layer.input_param.shape[0].dim) == [16, -1, 8]
    assert list(layer.loss_weight) == [1, -0.5, float("inf")]


def test_windows_line_ends():
    assert net('name: "a"\r\nlayer {\r\n  name: "b"\r\n}\r\n').layer[0].name == "b"


def test_format_is_read_back():
    original = net('name: "naïve \\"net\\"" layer { name: "a" lrn_param { alpha: 1e-05 k: 0.1 } }')
    assert 'name: "naïve' in format(original)
    assert "alpha: 1e-05" in format(original)
    assert net(format(original)) == original


def test_unknown_field_has_file_line_column_and_near_names():
    text = 'name: "n"\nlayer {\n  convolution_param { num_ouput: 3 }\n}\n'
    assert message_of(text, where="dir/net.prototxt") == (
        "dir/net.prototxt:3:23: ConvolutionParameter has no field 'num_ouput'. "
        "Did you mean 'num_output'?"
    )


def test_text_without_a_file_is_called_string():
    with pytest.raises(ParseError, match=r"^<string>:1:1: NetParameter has no field 'nam'\."):
        parse('nam: "x"', caffe_pb2.NetParameter)


def test_field_of_a_parameter_message_put_into_the_layer():
    assert message_of('layer { type: "Pooling" kernel_size: 2 }') == (
        "net.prototxt:1:25: LayerParameter has no field 'kernel_size'. "
        "It belongs in `pooling_param`."
    )
    assert message_of('layer { type: "Im2col" kernel_size: 2 }') == (
        "net.prototxt:1:24: LayerParameter has no field 'kernel_size'. "
        "It belongs in `convolution_param` or `pooling_param`."
    )


def test_layer_within_a_layer():
    assert message_of('layer {\n  name: "a"\nlayer { name: "b" }\n') == (
        "net.prototxt:3:1: LayerParameter has no field 'layer'. "
        "NetParameter has: is a '}' missing above?"
    )


def test_solver_given_as_net_and_net_as_solver():
    assert message_of("base_lr: 0.1") == (
        "net.prototxt:1:1: NetParameter has no field 'base_lr'. "
        "SolverParameter has: is this the right file?"
    )
    assert message_of("layer { }", caffe_pb2.SolverParameter).endswith(
        "SolverParameter has no field 'layer'. NetParameter has: is this the right file?"
    )


def test_field_given_twice():
    assert message_of('layer { name: "a"\n  name: "b" }') == (
        "net.prototxt:2:9: LayerParameter takes one 'name', this is the second. "
        "Remove one of them; or is a '}' missing above?"
    )


def test_unknown_enum_value_lists_the_known():
    assert message_of("layer { pooling_param { pool: MAXX } }") == (
        "net.prototxt:1:31: pool: PoolingParameter.PoolMethod has no value MAXX. "
        "Expected MAX, AVE or STOCHASTIC. Did you mean 'MAX'?"
    )
    assert message_of("layer { phase: 2 }") == (
        "net.prototxt:1:16: phase: Phase has no value 2. Expected TRAIN or TEST."
    )


def test_unknown_value_of_a_long_enum_names_only_the_near():
    assert message_of("layers { type: CONVOLUTON }") == (
        "net.prototxt:1:16: type: V1LayerParameter.LayerType has no value CONVOLUTON. "
        "Did you mean 'CONVOLUTION' or 'DECONVOLUTION'?"
    )


def test_brace_that_is_not_closed():
    assert message_of('name: "{ # }"\nlayer {\n  # }\n  lrn_param {\n    k: 1 }\n') == (
        "net.prototxt:5:10: the text ends before '{' in line 2 (layer) is closed: a '}' is missing"
    )


def test_brace_that_closes_nothing():
    assert message_of('layer { name: "a" }\n}') == (
        "net.prototxt:2:1: this '}' closes nothing. Remove it, or is a '{' missing above?"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: LeNet", "1:7: name: expected text in quotes, found LeNet"),
        ("layer { name: }", "1:15: name: expected text in quotes, found }"),
        ('layer { bottom: ["a", 3] }', "1:23: bottom: expected text in quotes, found 3"),
        ("input_dim: 1.5", "1:12: input_dim: expected a whole number, found 1.5"),
        ('input_dim: "1"', '1:12: input_dim: expected a whole number, found "1"'),
        ("input_dim: 3000000000", "expected a number that fits the field, found 3000000000"),
        (
            "layer { accuracy_param { top_k: -1 } }",
            "1:33: top_k: expected a number that fits the field, found -1",
        ),
        ("layer { loss_weight: one }", "1:22: loss_weight: expected a number, found one"),
        ("force_backward: yes", "1:17: force_backward: expected true or false, found yes"),
        ('name: "LeNet\n', '1:7: name: expected a quote at the end of the text, found "LeNet'),
        ('name: "\udcff"', '1:7: name: expected text in UTF-8, found "\\udcff"'),
        ('name "LeNet"', "1:6: expected ':', found \"LeNet\""),
        ('layer name: "a"', "1:7: expected '{', found name"),
        ("<html>", "1:1: expected the name of a field, found <"),
        ("layer { name:", "expected text in quotes, found the end of the line"),
    ],
)
def test_wrong_value(text, message):
    assert message_of(text).removeprefix("net.prototxt:").endswith(message)


def test_missing_required_field():
    assert message_of("layer { clip_param { min: 0 } }") == (
        "net.prototxt: layer[0].clip_param.max is required, and missing"
    )


def test_too_deep_is_an_error_like_any_other():
    text = "net_param { " * 200
    with pytest.raises(ParseError, match=r"^s\.prototxt:1:\d+: "):
        parse(text, caffe_pb2.SolverParameter, "s.prototxt")


def test_error_of_an_unforeseen_kind_is_passed_on():
    assert message_of("[a.b]: 3") == (
        'net.prototxt:1:4: Message type "caffe.NetParameter" does not have extensions.'
    )
