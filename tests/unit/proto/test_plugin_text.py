"""Plugins' messages in prototxt: as natural as Caffe's own, mistakes included."""

from __future__ import annotations

import enum
import logging
import subprocess
import sys

import pytest

from caffe_core import Net, registry
from caffe_core.errors import LayerError, ParseError, PluginError
from caffe_core.proto import caffe_pb2, files, weights
from caffe_core.proto.plugin_fields import messages_of, part
from caffe_core.proto.plugin_message import PluginMessage, declared
from caffe_core.proto.text import format, parse


class Mode(enum.IntEnum):
    MEAN = 1
    MEDIAN = 3


def net(text):
    return parse(text, caffe_pb2.NetParameter, "net.prototxt")


def message_of(text, message_type=caffe_pb2.NetParameter):
    with pytest.raises(ParseError) as caught:
        parse(text, message_type, "net.prototxt")
    return str(caught.value)


def test_it_is_read_and_written_like_any_other_message(extra):
    some = extra(groups=32, eps=1e-5, mode=Mode.MEAN, filler=caffe_pb2.FillerParameter, axes=[int])
    content = 'groups: 8 mode: MEDIAN filler { type: "xavier" } axes: [1, 2] axes: 3'
    layer = net(f"# first\n{some.text(content)}  # last").layer[0]
    read = some.read(layer)
    assert (read.groups, read.mode, list(read.axes)) == (8, Mode.MEDIAN, [1, 2, 3])
    assert read.filler.type == "xavier"
    assert format(layer) == (
        f'name: "x"\ntype: "{some.type}"\n{some.field} {{\n  groups: 8\n  mode: MEDIAN\n'
        '  filler {\n    type: "xavier"\n  }\n  axes: 1\n  axes: 2\n  axes: 3\n}\n'
    )
    assert parse(format(layer), caffe_pb2.LayerParameter) == layer
    assert type(layer) is caffe_pb2.LayerParameter


def test_it_may_stand_before_the_type_or_in_any_net(extra):
    some = extra(groups=32)
    layer = f'{some.field}: <groups: 8> type: "{some.type}"'
    assert some.read(parse(layer, caffe_pb2.LayerParameter)).groups == 8
    solver = parse(f"net_param {{ layer {{ {layer} }} }}", caffe_pb2.SolverParameter)
    assert some.read(solver.net_param.layer[0]).groups == 8
    assert parse(format(solver), caffe_pb2.SolverParameter) == solver


def test_several_plugins_in_one_net(extra):
    first, second = extra(groups=32), extra(word="a")
    both = net(first.text("groups: 8") + second.text('word: "b"') + first.text("groups: 4"))
    assert first.read(both.layer[0]).groups == 8
    assert second.read(both.layer[1]).word == "b"
    assert first.read(both.layer[2]).groups == 4
    assert net(format(both)) == both


def test_an_empty_message_is_given(extra):
    some = extra(groups=32)
    layer = net(some.text()).layer[0]
    assert layer.HasExtension(some.message.extension)
    assert f"{some.field} {{\n}}" in format(layer)


def test_what_protobuf_prints_is_read_too(extra):
    some = extra(groups=32, word="")
    original = net(some.text('groups: 8 word: "[caffe.x]"', name="[caffe.y]"))
    printed = f"# [caffe.z]\n{original}"
    assert f"[caffe.{some.field}]" in printed
    assert net(printed) == original
    mistaken = f'layer {{ type: "{some.type}" [caffe.{some.field}] {{ grups: 1 }} }}'
    column = mistaken.index("grups") + 1
    assert message_of(mistaken).startswith(f"net.prototxt:1:{column}: ")


def test_a_single_message_is_printed(extra):
    some = extra(groups=32)
    assert format(some.message.message(groups=8)) == "groups: 8\n"


@pytest.mark.parametrize(
    ("content", "place", "problem"),
    [
        ("grups: 8", "grups", "{message} has no field 'grups'. Did you mean 'groups'?"),
        ("groups: 2.5", "2.5", "groups: expected a whole number, found 2.5"),
        ("groups: 1 groups: 2", "2", "{message} takes one 'groups', this is the second. Remove"),
        ("mode: MODE", "MODE", "mode: {message}.Mode has no value MODE. Expected MEAN or MEDIAN."),
        ("mode: 2", "2", "mode: {message}.Mode has no value 2. Expected MEAN or MEDIAN."),
        ("filler { typ: 1 }", "typ", "FillerParameter has no field 'typ'. Did you mean 'type'?"),
        ("name: 1", "name", "{message} has no field 'name'."),
        ("groups 8", "8", "expected ':', found 8"),
    ],
)
def test_mistakes_in_the_message(extra, content, place, problem):
    some = extra(groups=32, mode=Mode.MEAN, filler=caffe_pb2.FillerParameter)
    lines = ["# a net", 'layer { type: "ReLU" }', some.text(f"\n  {content}\n")]
    column = f"  {content}".rindex(place) + 1
    expected = problem.format(message=some.message.definition.name)
    assert message_of("\n".join(lines)).startswith(f"net.prototxt:4:{column}: {expected}")


def test_mistakes_beside_the_message(extra):
    some = extra(groups=32)
    layer = f'layer {{ type: "{some.type}" '
    column = len(layer) + 1
    assert message_of(f"{layer}groups: 8 }}") == (
        f"net.prototxt:1:{column}: LayerParameter has no field 'groups'. "
        f"It belongs in `{some.field}`."
    )
    misspelt = some.field.replace("extra", "exra")
    found = message_of(f"{layer}{misspelt} {{ }} }}")
    assert found.startswith(
        f"net.prototxt:1:{column}: LayerParameter has no field {misspelt!r}. Did you mean "
    )
    assert repr(some.field) in found
    again = f"{layer}{some.field} {{ }} {some.field} {{ }} }}"
    assert message_of(again) == (
        f"net.prototxt:1:{again.rindex(some.field) + len(some.field) + 2}: LayerParameter takes "
        f"one {some.field!r}, this is the second. Remove one of them; or is a '}}' missing above?"
    )


def test_mistakes_after_the_message_keep_their_place(extra):
    some = extra(groups=32)
    line = f"{some.text('groups: 8')} layer {{ name: 3 }}"
    assert message_of(f"\n{line}") == (
        f"net.prototxt:2:{line.index('3 }') + 1}: name: expected text in quotes, found 3"
    )
    assert message_of(some.text("groups: 8").removesuffix("}")).endswith(
        "the text ends before '{' in line 1 (layer) is closed: a '}' is missing"
    )


def test_a_type_that_is_not_installed_is_told_before_its_message():
    assert message_of('layer {\n  type: "NoSuchType"\n  no_such_type_param { slope: 1 }\n}') == (
        "net.prototxt:3:3: LayerParameter has no field 'no_such_type_param', and no layer type "
        f"'NoSuchType' is installed ({len(registry.layers.names())} are; `caffe plugins` lists "
        "them). Try: pip install caffe-layer-no-such-type"
    )
    assert "Did you mean 'GroupNorm'" in message_of(
        'layer { gruop_norm_param { } type: "GruopNorm" }'
    )


def test_a_message_that_cannot_be_used_is_told(extra):
    some = extra(groups=None)
    assert f"has no field {some.field!r}, and {some.message}: groups=None is no field" in (
        message_of(some.text("groups: 8"))
    )


def test_a_plugin_that_does_not_import_is_told(monkeypatch):
    def fail(name):
        raise PluginError(f"layer type {name!r} does not import: ImportError: no")

    monkeypatch.setattr(type(registry.layers), "__getitem__", lambda self, name: fail(name))
    assert message_of('layer { type: "ReLU" brelu_param { } }') == (
        "net.prototxt:1:22: LayerParameter has no field 'brelu_param', and layer type 'ReLU' does "
        "not import: ImportError: no"
    )
    assert message_of('layer { type: "ReLU" botom: "x" }') == (
        "net.prototxt:1:22: LayerParameter has no field 'botom'. Did you mean 'bottom'?"
    )


def test_a_layer_of_an_outside_type_may_have_other_mistakes():
    assert message_of('layer { type: "NoSuchType" botom: "x" }') == (
        "net.prototxt:1:28: LayerParameter has no field 'botom'. Did you mean 'bottom'?"
    )


def test_another_type_s_message_is_refused(extra):
    """Also if nobody has used it: it is found by its name."""
    some = extra(groups=32)
    text = (
        'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } }'
        f'layer {{ name: "r" type: "ReLU" bottom: "x" top: "y" {some.field} {{ groups: 8 }} }}'
    )
    assert some.field not in declared
    with pytest.raises(LayerError) as caught:
        Net(text)
    assert str(caught.value) == (
        f"r (ReLU): {some.field} is for {some.type} layers; remove it, or correct the type"
    )


def test_text_of_a_file_read_before_the_plugin_was_known(extra, caplog):
    some = extra(groups=32)
    stored = caffe_pb2.NetParameter.FromString(some.unread(b"\x08\x05"))
    with caplog.at_level(logging.WARNING, "caffe"):
        assert f"{some.field} {{\n    groups: 5\n" in format(stored)
    assert caplog.messages == []


def test_text_of_a_file_whose_plugin_is_missing_says_what_it_leaves_out(extra, caplog):
    some = extra(groups=32)
    stored = caffe_pb2.NetParameter.FromString(some.unread(b"\x08\x05"))
    registry.layers.unregister(some.type)
    with caplog.at_level(logging.WARNING, "caffe"):
        assert format(stored) == f'layer {{\n  name: "x"\n  type: "{some.type}"\n}}\n'
    assert caplog.messages == [
        f"x ({some.type}): field {some.message.number} is left out: "
        "no plugin that is installed knows its name"
    ]


def test_weights_keep_it(extra, tmp_path):
    some = extra(groups=32)
    path = tmp_path / "net.caffemodel"
    weights.write_weights(path, net(some.text("groups: 8")), {})
    stored = weights.read_weights(path)
    assert some.read(stored.param.layer[0]).groups == 8


def test_upgrades_and_copies_of_a_net_keep_it(extra):
    some = extra(groups=32)
    old = net(f'input: "a" input_dim: [1, 2, 3, 4] {some.text("groups: 8")}')
    for source in (old, format(old)):
        upgraded = files.load_net(source)
        assert upgraded.layer[0].type == "Input"
        assert some.read(upgraded.layer[1]).groups == 8


def test_a_part_is_filled_from_python(extra):
    some = extra(groups=32)
    layer = caffe_pb2.LayerParameter(name="x", type=some.type)
    part(layer, some.field).groups = 8
    assert layer == net(some.text("groups: 8")).layer[0]
    with pytest.raises(PluginError) as caught:
        part(layer, "group_norm_param")
    assert str(caught.value) == (
        f"layer type {some.type!r} brings no message 'group_norm_param'; it brings {some.field}"
    )
    layer.type = "ReLU"
    with pytest.raises(PluginError, match=r"layer type 'ReLU' brings no .*; it brings none"):
        part(layer, some.field)
    layer.type = "NoSuchType"
    with pytest.raises(PluginError, match="no layer type 'NoSuchType' is installed"):
        part(layer, some.field)


def test_messages_of_a_type_and_those_it_inherits(extra):
    some = extra(groups=32)
    heir = type("Heir", (some.layer,), {"heir_param": PluginMessage(x=1)})
    assert messages_of(heir) == {some.field: some.message, "heir_param": vars(heir)["heir_param"]}
    assert messages_of(registry.layers["ReLU"]) == {}


LAZY = """
import sys
from caffe_core.proto import caffe_pb2, text
def parse(source):
    text.parse(source, caffe_pb2.NetParameter)
    return sorted(name for name in sys.modules if name.startswith("caffe_layer_"))
print(parse('layer { type: "GroupNorm" } layer { type: "ReLU" }'))
print(parse('layer { type: "ReLU" } layer { type: "HardSigmoid" hard_sigmoid_param { } }'))
"""


def test_a_plugin_is_imported_when_its_message_is_first_used():
    done = subprocess.run([sys.executable, "-c", LAZY], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[]", "['caffe_layer_hard_sigmoid']"]
