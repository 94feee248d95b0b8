"""Blocks of a prototxt, found in texts with mistakes."""

from __future__ import annotations

import pytest

from caffe_core.proto.blocks import layer_type_at, open_brace, plain_names


@pytest.mark.parametrize(
    ("text", "layer_type"),
    [
        ('layer { type: "A" @ }', "A"),
        ("layer { type: 'A' @ }", "A"),
        ('layer { @ type: "A" }', "A"),
        ('layer { @ w { type: "xavier" } type: "A" }', "A"),
        ('layer { w { type: "xavier" @ } type: "A" }', "xavier"),
        ('layer { type: "A" } layer { @ } layer { type: "B" }', ""),
        ('layer { type: "A" } layer < @ b: "}" # }\n type: "B" >', "B"),
        ('layer { name: "type" # type: "C"\n @ b: "type: " type: "A" }', "A"),
        ('type: "A" @', "A"),
        ('@ w { type: "xavier" } type: "A"', "A"),
        ('} } layer { @ type: "A"', "A"),
        ('layer { type: "A" @ layer { type: "B" }', "A"),
        ("layer { type: RELU @ }", ""),
        ("@", ""),
        ("", ""),
    ],
)
def test_type_of_the_block_around_a_place(text, layer_type):
    offset = text.find("@")
    assert layer_type_at(text.replace("@", "x"), offset) == layer_type


def test_the_brace_that_is_open():
    assert open_brace('a {\n b { "}" # }\n }') == "'{' in line 1 (a)"
    assert open_brace("a {\n b <\n") == "'<' in line 2 (b)"


def test_names_as_protobuf_prints_them():
    text = 'a { [caffe.x_param] { s: "[caffe.y]" } }  # [caffe.z]'
    plain = plain_names(text)
    assert plain == 'a {        x_param  { s: "[caffe.y]" } }  # [caffe.z]'
    assert len(plain) == len(text)
