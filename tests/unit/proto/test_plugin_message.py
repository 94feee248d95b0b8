"""Messages that plugins declare: types from defaults, reading, numbers, and what is refused."""

from __future__ import annotations

import copy
import enum
import os
import pickle
import subprocess
import sys

import caffe_layer_group_norm as group_norm
import pytest
from google.protobuf.internal import api_implementation

from caffe_core.errors import LayerError, PluginError
from caffe_core.layer import Layer
from caffe_core.proto import caffe_pb2
from caffe_core.proto.plugin_message import PluginMessage, declared


class Mode(enum.IntEnum):
    MEAN = 1
    MEDIAN = 3


def param(extra, **fields):
    """A LayerParameter with some fields of the message set."""
    layer = caffe_pb2.LayerParameter(name="x", type=extra.type)
    for name, value in fields.items():
        setattr(extra.message.of(layer), name, value)
    return layer


def test_defaults_have_their_types_and_values(extra):
    some = extra(
        count=32,
        least=-(1 << 62),
        eps=1e-5,
        limit=float("inf"),
        on=True,
        off=False,
        word='a "b"\nç',
        mode=Mode.MEDIAN,
    )
    read = some.read(param(some))
    assert (read.count, read.least, read.on, read.off) == (32, -(1 << 62), True, False)
    assert read.eps == pytest.approx(1e-5)
    assert (read.limit, read.word, read.mode) == (float("inf"), 'a "b"\nç', Mode.MEDIAN)
    assert type(read.count) is int
    assert type(read.eps) is float
    assert type(read.on) is bool
    assert not read.HasField("count")


def test_a_type_is_a_field_without_default_and_a_list_one_that_repeats(extra):
    filler = caffe_pb2.FillerParameter
    some = extra(n=int, word=str, filler=filler, axes=[int], modes=[Mode], fillers=[filler])
    layer = param(some, n=0)
    message = some.message.of(layer)
    message.axes.extend([2, -1])
    message.modes.append(Mode.MEAN)
    message.fillers.add(type="xavier")
    read = some.read(layer)
    assert read.HasField("n")
    assert not read.HasField("word")
    assert not read.HasField("filler")
    assert (read.word, read.filler.type) == ("", "constant")
    assert (list(read.axes), list(read.modes)) == ([2, -1], [Mode.MEAN])
    assert isinstance(read.fillers[0], filler)


def test_a_layer_reads_and_changes_what_its_parameter_holds(extra):
    some = extra(groups=32)
    layer = some.layer(param(some, groups=8))
    assert getattr(layer, some.field).groups == 8
    getattr(layer, some.field).groups = 4
    assert some.message.of(layer.param).groups == 4


def test_the_class_gives_the_declaration(extra):
    some = extra(groups=32)
    assert getattr(some.layer, some.field) is some.message
    assert str(some.message) == f"{some.layer.__module__}:{some.type}.{some.field}"


def test_a_subclass_inherits_the_message(extra):
    some = extra(groups=32)
    heir = type("Heir", (some.layer,), {})
    assert getattr(heir(param(some, groups=8)), some.field).groups == 8


def test_two_types_may_share_a_message_under_its_name(extra):
    some = extra(groups=32)
    other = type("Other", (Layer,), {some.field: some.message})
    assert getattr(other(param(some, groups=8)), some.field).groups == 8
    with pytest.raises((TypeError, RuntimeError)) as caught:  # RuntimeError before Python 3.12
        type("Other", (Layer,), {"b_param": some.message})
    problem = caught.value if isinstance(caught.value, TypeError) else caught.value.__cause__
    assert str(problem) == f"Other.b_param must be called {some.field} here too"


def test_numbers_never_change():
    """Files of weights have them."""
    message = group_norm.GroupNorm.group_norm_param
    assert message.number == 62139916
    assert [field.name for field in message.definition.field] == [
        "groups",
        "eps",
        "affine",
        "filler",
        "bias_filler",
    ]


def test_a_number_may_be_given(extra):
    some = extra(203, order=[int])
    layer = caffe_pb2.LayerParameter()
    some.message.of(layer).order.append(7)
    assert layer.SerializeToString() == b"\xda\x0c\x02\x08\x07"


def test_what_was_read_before_the_message_was_known_is_not_lost(extra):
    some = extra(groups=32, axes=[int])
    stored = some.unread(b"\x08\x08\x10\x02\x10\x03")
    net = caffe_pb2.NetParameter.FromString(stored)
    assert some.field not in declared
    assert net.SerializeToString() == stored
    assert caffe_pb2.NetParameter.FromString(net.SerializeToString()) == net
    message = some.message.of(net.layer[0])
    assert (message.groups, list(message.axes)) == (8, [2, 3])
    assert net.SerializeToString() == stored


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_messages_with_it_can_be_copied_and_pickled(extra, clone):
    some = extra(groups=32)
    layer = param(some, groups=8)
    net = caffe_pb2.NetParameter(layer=[layer])
    assert some.message.of(clone(layer)).groups == 8
    assert some.message.of(clone(net).layer[0]).groups == 8
    layer = caffe_pb2.LayerParameter()
    message = group_norm.GroupNorm.group_norm_param.of(layer)
    message.groups = 5
    assert clone(message) == message


def test_the_message_s_class_makes_messages(extra):
    some = extra(groups=32)
    layer = caffe_pb2.LayerParameter()
    some.message.of(layer).CopyFrom(some.message.message(groups=3))
    assert some.message.of(layer).groups == 3


def test_the_same_declaration_again_is_the_same_message(extra):
    some = extra(groups=32)
    layer = param(some, groups=8)
    again = type("Again", (Layer,), {some.field: PluginMessage(groups=32)})
    assert getattr(again(layer), some.field).groups == 8


def error_of(message, name="extra_x_param"):
    owner = type("Owner", (Layer,), {name: message})
    with pytest.raises(PluginError) as caught:
        getattr(owner(caffe_pb2.LayerParameter(name="x", type="Owner")), name)
    where, _, problem = str(caught.value).partition(": ")
    assert where == f"{owner.__module__}:Owner.{name}"
    return problem


@pytest.mark.parametrize(
    "what",
    [
        None,
        object,
        [],
        [3],
        [int, int],
        {},
        b"",
        bytes,
        1j,
        int | None,
        caffe_pb2.FillerParameter(),
    ],
)
def test_a_field_that_is_none(what):
    assert error_of(PluginMessage(fine=1, x=what)) == (
        f"x={what!r} is no field; expected a default (bool, int, float, str or a member of an "
        "Enum), the type of one, a message class of caffe_pb2, or a list of a type"
    )


def test_a_name_that_caffe_has():
    problem = "Caffe has parameters of this name; choose another one"
    assert error_of(PluginMessage(x=1), "relu_param") == problem
    assert error_of(PluginMessage(x=1), "tanH_param") == problem  # its type: TanHParameter


def test_a_number_that_caffe_has():
    problem = "the number 117 is Caffe's own; choose one from 149 on"
    assert error_of(PluginMessage(117, x=1)) == problem


def test_a_number_that_another_message_has(extra):
    first, second = extra(204, x=1), extra(204, x=1)
    _ = first.message.extension
    with pytest.raises(PluginError) as caught:
        _ = second.message.extension
    assert str(caught.value) == (
        f"{second.message}: {first.message} has the number 204 too; give one of them another"
    )


def test_a_name_that_another_message_has(extra):
    some = extra(groups=32)
    _ = some.message.extension
    assert error_of(PluginMessage(groups=16), some.field) == (
        f"{some.message} says otherwise; rename one, or restart Python after a change"
    )


@pytest.mark.skipif(api_implementation.Type() == "python", reason="it checks nothing")
def test_a_message_that_protobuf_refuses():
    class Kind(enum.Enum):
        MEDIAN = 0

    problem = error_of(PluginMessage(mode=Mode, kind=Kind), "extra_y_param")
    assert "ExtraYParameter.MEDIAN" in problem


def test_a_message_that_is_no_attribute():
    with pytest.raises(
        PluginError, match=r"^a PluginMessage must be an attribute of a Layer class"
    ):
        PluginMessage(x=1).of(caffe_pb2.LayerParameter())


def test_an_error_in_a_net_has_the_layer_s_name(extra):
    from caffe_core import Net

    class Broken(Layer):
        broken_param = PluginMessage(x=None)

        def setup(self, bottom, top):
            _ = self.broken_param

    from caffe_core import registry

    registry.layers.register("Broken", Broken)
    try:
        with pytest.raises(LayerError, match=r"^b \(Broken\): .*Broken.broken_param: x=None is no"):
            Net(
                'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }'
                'layer { name: "b" type: "Broken" bottom: "x" top: "y" }'
            )
    finally:
        registry.layers.unregister("Broken")


LATE = """
import sys
from google.protobuf.internal import api_implementation
assert not {chosen!r} or api_implementation.Type() == {chosen!r}
from caffe_core.proto import caffe_pb2, text
net = caffe_pb2.NetParameter.FromString({stored!r})
assert "caffe_layer_group_norm" not in sys.modules
assert net.SerializeToString() == {stored!r}
shown = text.format(net)
assert "group_norm_param {{" in shown and "groups: 8" in shown, shown
from caffe_layer_group_norm import GroupNorm
assert GroupNorm.group_norm_param.of(net.layer[0]).groups == 8
assert text.parse(shown, caffe_pb2.NetParameter) == net
assert text.parse(str(net), caffe_pb2.NetParameter) == net
"""


@pytest.mark.parametrize("implementation", ["", "python"])
def test_a_process_that_reads_it_first_and_knows_it_later(implementation):
    net = caffe_pb2.NetParameter(layer=[{"name": "x", "type": "GroupNorm"}])
    group_norm.GroupNorm.group_norm_param.of(net.layer[0]).groups = 8
    code = LATE.format(stored=net.SerializeToString(), chosen=implementation)
    chosen = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation} if implementation else {}
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **chosen})
