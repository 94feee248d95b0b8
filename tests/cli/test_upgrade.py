"""``caffe upgrade net|solver IN OUT``."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.proto import caffe_pb2
from caffe_core.proto.files import load_net
from caffe_core.proto.text import parse
from caffe_core.proto.weights import read_weights

V1 = """
name: "old"
input: "data"
input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4
layers {
  name: "ip" type: INNER_PRODUCT bottom: "data" top: "ip" blobs_lr: 1 blobs_lr: 2
  inner_product_param { num_output: 5 }
}
"""

V2 = """
name: "old"
layer {
  name: "input" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 2 dim: 3 dim: 4 } }
}
layer {
  name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  param { lr_mult: 1 } param { lr_mult: 2 }
  inner_product_param { num_output: 5 }
}
"""

EXPECTED = parse(V2, caffe_pb2.NetParameter)


@pytest.fixture
def old(workdir):
    """The same old net as text and, with weights, as binary."""
    (workdir / "old.prototxt").write_text(V1)
    net = parse(V1, caffe_pb2.NetParameter)
    blob = net.layers[0].blobs.add(num=1, channels=1, height=5, width=24)
    blob.data.extend(range(120))
    (workdir / "old.caffemodel").write_bytes(net.SerializeToString())
    (workdir / "old").write_bytes(net.SerializeToString())
    return workdir


def test_text_becomes_text_and_the_log_says_what_was_old(caffe, old):
    result = caffe("upgrade", "net", "old.prototxt", "new.prototxt")
    assert (result.status, result.out) == (0, "")
    assert parse((old / "new.prototxt").read_text(), caffe_pb2.NetParameter) == EXPECTED
    attempts = [line for line in result.messages if line.startswith("Attempting")]
    assert [line.rpartition("deprecated ")[2] for line in attempts] == [
        "V1LayerParameter: old.prototxt",
        "input fields: old.prototxt",
    ]
    assert result.messages[-1] == "Wrote upgraded NetParameter text proto to new.prototxt"


def test_text_becomes_binary_by_the_suffix(caffe, old):
    result = caffe("upgrade", "net", "old.prototxt", "new.binpb")
    assert caffe_pb2.NetParameter.FromString((old / "new.binpb").read_bytes()) == EXPECTED
    assert result.messages[-1] == "Wrote upgraded NetParameter binary proto to new.binpb"


@pytest.mark.parametrize("source", ["old.caffemodel", "old"])
@pytest.mark.parametrize("target", ["new.caffemodel", "new"])
def test_weights_stay_with_their_layer(caffe, old, source, target):
    assert caffe("upgrade", "net", source, target).status == 0
    assert not caffe_pb2.NetParameter.FromString((old / target).read_bytes()).layers
    (blob,) = read_weights(old / target).layers["ip"]
    assert blob.legacy
    assert blob.shape == (1, 1, 5, 24)
    np.testing.assert_array_equal(blob.data.ravel(), np.arange(120))


def test_binary_becomes_text_by_the_suffix(caffe, old):
    caffe("upgrade", "net", "old.caffemodel", "new.prototxt")
    written = parse((old / "new.prototxt").read_text(), caffe_pb2.NetParameter)
    assert list(written.layer[1].blobs[0].data) == list(range(120))
    written.layer[1].ClearField("blobs")
    assert written == EXPECTED


def test_a_file_can_be_upgraded_where_it_is(caffe, old):
    assert caffe("upgrade", "net", "old.prototxt", "old.prototxt").status == 0
    assert load_net(old / "old.prototxt") == EXPECTED


def test_what_is_new_stays_as_it_is(caffe, workdir):
    (workdir / "in.prototxt").write_text(V2)
    result = caffe("upgrade", "net", "in.prototxt", "out.prototxt")
    assert (result.status, result.messages) == (
        0,
        [
            "File already in latest proto format: in.prototxt",
            "Wrote upgraded NetParameter text proto to out.prototxt",
        ],
    )
    assert parse((workdir / "out.prototxt").read_text(), caffe_pb2.NetParameter) == EXPECTED


def test_what_cannot_be_kept_makes_the_status_1(caffe, workdir):
    layer = 'layer { name: "c" type: "relu" num_output: 3 } bottom: "x" top: "y"'
    (workdir / "in.prototxt").write_text(f"layers {{ {layer} }}")
    result = caffe("upgrade", "net", "in.prototxt", "out.prototxt")
    assert result.status == 1
    assert "Unknown parameter num_output for layer type relu" in result.messages
    (written,) = parse((workdir / "out.prototxt").read_text(), caffe_pb2.NetParameter).layer
    assert written.type == "ReLU"


@pytest.mark.parametrize("target", ["new.prototxt", "new.binpb"])
def test_a_solver_gets_its_type_and_nothing_else(caffe, workdir, target):
    text = 'net: "net.prototxt" base_lr: 0.01 solver_type: ADAGRAD\n'
    (workdir / "old.prototxt").write_text(text)
    assert caffe("upgrade", "solver", "old.prototxt", target).status == 0
    content = (workdir / target).read_bytes()
    written = (
        parse(content.decode(), caffe_pb2.SolverParameter)
        if target.endswith(".prototxt")
        else caffe_pb2.SolverParameter.FromString(content)
    )
    assert written == caffe_pb2.SolverParameter(net="net.prototxt", base_lr=0.01, type="AdaGrad")
    again = caffe("upgrade", "solver", target, "again.prototxt")
    assert again.messages[0] == f"File already in latest proto format: {target}"


def test_another_message_is_refused(caffe, workdir):
    state = caffe_pb2.SolverState(iter=5, learned_net="x.caffemodel", current_step=1)
    (workdir / "x.solverstate").write_bytes(state.SerializeToString())
    result = caffe("upgrade", "net", "x.solverstate", "new.caffemodel")
    assert result.status == 1
    assert "x.solverstate: this is a .solverstate or a mean file" in result.log
    assert not (workdir / "new.caffemodel").exists()


def test_weights_are_no_solver(caffe, old):
    (old / "new.caffemodel").write_bytes(EXPECTED.SerializeToString())
    result = caffe("upgrade", "solver", "new.caffemodel", "solver.prototxt")
    assert result.status == 1
    assert "expected a SolverParameter" in result.log


def test_what_is_damaged_or_hdf5_is_named(caffe, old):
    whole = (old / "old.caffemodel").read_bytes()
    (old / "cut.caffemodel").write_bytes(whole[:-40])
    assert "cut off or damaged" in caffe("upgrade", "net", "cut.caffemodel", "new").log
    (old / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n\0\0\0\0")
    assert "HDF5 file, which has no old form" in caffe("upgrade", "net", "x.h5", "new").log
    refused = caffe("upgrade", "net", "old.caffemodel", "new.caffemodel.h5")
    assert (refused.status, "HDF5 holds weights without their net" in refused.log) == (1, True)


def test_a_missing_file_is_named(caffe, old):
    result = caffe("upgrade", "net", "odl.prototxt", "new.prototxt")
    assert result.status == 1
    assert "odl.prototxt: cannot be read" in result.log
    assert "old.prototxt" in result.log
