"""The schema is Caffe's, its compiled form is not stale, and it keeps to its own pool."""

from __future__ import annotations

import copy
import csv
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

import caffe_core.proto
from caffe_core.proto import caffe_pb2, resume_pb2

HERE = Path(__file__).parent
PACKAGE = Path(caffe_core.proto.__file__).parent


def compiled(name: str = "caffe") -> descriptor_pb2.FileDescriptorProto:
    content = (PACKAGE / f"{name}.binpb").read_bytes()
    return descriptor_pb2.FileDescriptorSet.FromString(content).file[-1]


def facts(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="") as file:
        return list(csv.DictReader(file))


def field_row(message: descriptor_pb2.DescriptorProto, field: Field) -> dict[str, str]:
    return {
        "message": message.name,
        "field": field.name,
        "number": str(field.number),
        "label": Field.Label.Name(field.label).removeprefix("LABEL_").lower(),
        "type": Field.Type.Name(field.type).removeprefix("TYPE_").lower(),
        "type_name": field.type_name.removeprefix(".caffe."),
        "default": field.default_value,
        "has_default": str(int(field.HasField("default_value"))),
        "packed": str(int(field.options.packed)),
        "deprecated": str(int(field.options.deprecated)),
        "oneof": str(field.oneof_index) if field.HasField("oneof_index") else "",
    }


def enum_rows(enum: descriptor_pb2.EnumDescriptorProto, outer: str = "") -> list[dict[str, str]]:
    return [
        {
            "enum": outer + enum.name,
            "value": value.name,
            "number": str(value.number),
            "deprecated": str(int(value.options.deprecated)),
        }
        for value in enum.value
    ]


def frozen(rows: list[dict[str, str]]) -> set[tuple[tuple[str, str], ...]]:
    return {tuple(sorted(row.items())) for row in rows}


def test_fields_are_those_of_caffe():
    ours = [
        field_row(message, field) for message in compiled().message_type for field in message.field
    ]
    theirs = facts("caffe_schema.csv")
    assert len(theirs) == len(ours) == 423
    assert frozen(ours) == frozen(theirs)


def test_enums_are_those_of_caffe():
    file = compiled()
    ours = [row for enum in file.enum_type for row in enum_rows(enum)]
    for message in file.message_type:
        for enum in message.enum_type:
            ours += enum_rows(enum, f"{message.name}.")
    theirs = facts("caffe_enums.csv")
    assert len(theirs) == len(ours) == 111
    assert frozen(ours) == frozen(theirs)


def test_package_and_syntax():
    assert compiled().package == "caffe"
    assert compiled().syntax in ("", "proto2")
    assert compiled("resume").package == "caffe.resume"


@pytest.mark.parametrize("name", ["caffe", "resume"])
def test_binpb_is_what_protoc_makes_of_the_proto(name, tmp_path):
    protoc = pytest.importorskip("grpc_tools.protoc")
    out = tmp_path / "out.binpb"
    arguments = [
        "protoc",
        f"--proto_path={PACKAGE}",
        f"--descriptor_set_out={out}",
        f"{name}.proto",
    ]
    assert protoc.main(arguments) == 0
    fresh = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    assert fresh.file[-1] == compiled(name), "run `make proto`"


def test_resume_field_is_unknown_to_caffe():
    from caffe_core.proto import state

    assert state._RESUME not in caffe_pb2.SolverState.DESCRIPTOR.fields_by_number


def test_names_of_the_module():
    assert caffe_pb2.TRAIN == caffe_pb2.Phase.Value("TRAIN") == 0
    assert caffe_pb2.PoolingParameter.AVE == 1
    assert caffe_pb2.NetParameter.__module__ == "caffe_core.proto.caffe_pb2"
    with pytest.raises(AttributeError, match=r"caffe\.proto has no message or enum 'Net'"):
        caffe_pb2.Net  # noqa: B018
    with pytest.raises(AttributeError, match=r"resume\.proto has no message 'Net'"):
        resume_pb2.Net  # noqa: B018


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_messages_can_be_copied_and_pickled(clone):
    net = caffe_pb2.NetParameter(name="net")
    layer = net.layer.add(name="pool", pooling_param={"pool": "AVE"})
    for message in (net, layer, layer.pooling_param):
        assert clone(message) == message
        assert type(clone(message)) is type(message)


ANOTHER_CAFFE = """
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
{first}
other = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
other.message_type.add(name="NetParameter").field.add(name="theirs", number=1, type=9, label=1)
descriptor_pool.Default().Add(other)
theirs = message_factory.GetMessageClass(
    descriptor_pool.Default().FindMessageTypeByName("caffe.NetParameter")
)
{last}
assert theirs(theirs="x").SerializeToString() == b"\\n\\x01x"
assert caffe_pb2.NetParameter(name="y").name == "y"
assert not hasattr(theirs(), "name") and not hasattr(caffe_pb2.NetParameter(), "theirs")
"""
OURS = "from caffe_core.proto import caffe_pb2"


@pytest.mark.parametrize("implementation", ["", "python"])
@pytest.mark.parametrize(("first", "last"), [(OURS, ""), ("", OURS)], ids=["ours", "theirs"])
def test_another_caffe_proto_in_the_same_process_is_no_clash(first, last, implementation):
    chosen = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation} if implementation else {}
    code = ANOTHER_CAFFE.format(first=first, last=last)
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **chosen})


def test_pure_python_protobuf_will_do():
    code = (
        "from google.protobuf.internal import api_implementation as chosen\n"
        "assert chosen.Type() == 'python'\n"
        "from caffe_core.proto import files\n"
        'net = files.load_net(\'layers { name: "a" type: RELU bottom: "a" top: "b" }\')\n'
        "assert net.layer[0].type == 'ReLU', net\n"
    )
    chosen = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **chosen})
