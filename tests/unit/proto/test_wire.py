"""The wire reader agrees with protobuf, and never reads beyond what there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_core.proto import caffe_pb2, wire

MESSAGES = st.builds(
    caffe_pb2.NetParameter,
    name=st.text(),
    input=st.lists(st.text(), max_size=3),
    input_dim=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
    force_backward=st.booleans(),
    layer=st.lists(
        st.builds(
            caffe_pb2.LayerParameter,
            name=st.text(),
            loss_weight=st.lists(st.floats(width=32, allow_nan=False), max_size=2),
        ),
        max_size=3,
    ),
)


def fields(content: bytes) -> list[wire.Field]:
    return list(wire.fields(memoryview(content), 0, len(content)))


@given(st.integers(0, 2**64 - 1))
def test_varint_round_trip(value):
    encoded = wire.encode_varint(value)
    assert wire.varint(memoryview(b"x" + encoded), 1, 1 + len(encoded)) == (value, 1 + len(encoded))


@given(st.integers(0, 2**31 - 1))
def test_varint_is_protobufs(value):
    assert caffe_pb2.SolverState(iter=value).SerializeToString() == b"\x08" + wire.encode_varint(
        value
    )


@given(MESSAGES)
def test_fields_cover_the_message_without_gaps(message):
    content = message.SerializeToString()
    found = fields(content)
    assert [field.tag for field in found] == [0, *(field.end for field in found)][: len(found)]
    assert (found[-1].end if found else 0) == len(content)
    rebuilt = b"".join(content[field.tag : field.end] for field in found)
    assert caffe_pb2.NetParameter.FromString(rebuilt).SerializeToString() == content


@given(MESSAGES, st.data())
def test_a_part_of_a_message_is_whole_fields_or_an_error(message, data):
    content = message.SerializeToString()
    ends = {0, *(field.end for field in fields(content))}
    cut = data.draw(st.integers(0, len(content)))
    if cut in ends:
        fields(content[:cut])
    else:
        with pytest.raises(wire.WireError):
            fields(content[:cut])


@given(st.binary(max_size=40))
def test_any_bytes_are_fields_or_an_error(content):
    try:
        found = fields(content)
    except wire.WireError:
        return
    assert (found[-1].end if found else 0) == len(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x80", "at byte 0 a number does not end"),
        (b"\x08\x80", "at byte 1 a number does not end"),
        (b"\xff" * 11, "at byte 0 a number is too long"),
        (b"\x00", "at byte 0 a field has number 0"),
        (b"\x0b", "at byte 0 field 1 has the unknown wire type 3"),
        (b"\x0a\x05abc", "at byte 2 5 bytes are expected, 3 are left"),
        (b"\x0d\x00", "at byte 1 4 bytes are expected, 1 are left"),
        (b"\x09\x00", "at byte 1 8 bytes are expected, 1 are left"),
    ],
)
def test_what_is_wrong_and_where(content, message):
    with pytest.raises(wire.WireError) as caught:
        fields(content)
    assert str(caught.value) == message


def test_a_field_that_is_cut_off_can_be_looked_into_before_the_error():
    found = wire.fields(memoryview(b"\x0a\x05abc"), 0, 5)
    assert next(found) == wire.Field(1, wire.LENGTH, 0, 2, 7)
    with pytest.raises(wire.WireError):
        next(found)


def test_prefix_is_protobufs():
    content = caffe_pb2.NetParameter(layer=[{"name": "x" * 300}]).SerializeToString()
    inner = caffe_pb2.LayerParameter(name="x" * 300).SerializeToString()
    assert wire.prefix(100, len(inner)) + inner == content


def test_protobufs_own_refusal_is_told_with_the_offset():
    with pytest.raises(wire.WireError, match=r"^at byte 7 there is no BlobShape: "):
        wire.decode(caffe_pb2.BlobShape, b"\xff", 7)


@pytest.mark.parametrize("message", [b"\x0a\x01\xff", b"\x1a\x01\xff", b"\xa2\x06\x03\x0a\x01\xff"])
def test_text_must_be_utf8(message):
    with pytest.raises(wire.WireError, match=r"^at byte 0 there is no NetParameter: "):
        wire.decode(caffe_pb2.NetParameter, message, 0)
