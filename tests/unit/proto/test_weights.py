"""Weights of every format, in and out, and what a wrong file is told."""

from __future__ import annotations

import contextlib
import logging
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_core.errors import ParseError
from caffe_core.proto import caffe_pb2
from caffe_core.proto.weights import Weights, read_weights, write_weights

CASES = Path(__file__).parents[2] / "golden" / "cases"
SMALL = caffe_pb2.NetParameter(
    name="n",
    layer=[{"name": "a", "blobs": [{"shape": {"dim": [1, 2]}, "data": [1, 2], "diff": [3, 4]}]}],
    layers=[
        {"name": "b", "type": "RELU", "blobs": [{"num": 1, "width": 1, "double_data": [1]}]},
        {"layer": {"name": "c", "type": "conv", "blobs": [{"data": [1]}]}},
    ],
).SerializeToString()
MODELS = sorted(CASES.glob("*/*.files/*.caffemodel"))


def lenet() -> caffe_pb2.NetParameter:
    rng = np.random.default_rng(0)
    net = caffe_pb2.NetParameter(name="LeNet")
    for name, shape in (("conv1", (20, 1, 5, 5)), ("ip1", (10, 320))):
        layer = net.layer.add(name=name, type="Convolution", bottom=["x"], top=["y"])
        layer.convolution_param.num_output = shape[0]
        for dims in (shape, shape[:1]):
            data = rng.standard_normal(dims, np.float32)
            layer.blobs.add(shape={"dim": dims}, data=data.ravel().tolist())
        net.layer.add(name=f"relu_{name}", type="ReLU", phase="TEST")
    return net


@pytest.fixture
def model(tmp_path) -> Path:
    path = tmp_path / "lenet.caffemodel"
    path.write_bytes(lenet().SerializeToString())
    return path


def stored(weights: Weights) -> dict[str, list[list[float]]]:
    return {
        name: [b.data.ravel().tolist() for b in blobs] for name, blobs in weights.layers.items()
    }


def expected(net) -> dict[str, list[list[float]]]:
    layers = [*net.layer, *(each.layer if each.HasField("layer") else each for each in net.layers)]
    return {layer.name: [list(blob.data) for blob in layer.blobs] for layer in layers}


def rewrite(path: Path, weights: Weights) -> None:
    blobs = {name: [(b.data, b.diff) for b in blobs] for name, blobs in weights.layers.items()}
    write_weights(path, weights.param, blobs)


def refusal(path: Path) -> str:
    with pytest.raises(ParseError) as caught:
        read_weights(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.stem)
def test_reads_what_bvlc_wrote(path):
    weights = read_weights(path)
    assert stored(weights) == expected(caffe_pb2.NetParameter.FromString(path.read_bytes()))
    assert not any(layer.blobs for layer in weights.param.layer)
    assert all(layer.type and layer.type[0].isupper() for layer in weights.param.layer)


@pytest.mark.parametrize("case", ["adam_fixed", "sgd_shared", "sgd_step"])
def test_writes_the_very_bytes_of_bvlc(case, tmp_path):
    path = CASES / "solvers" / f"{case}.files" / "s_iter_4.caffemodel"
    rewrite(tmp_path / "ours", read_weights(path))
    assert (tmp_path / "ours").read_bytes() == path.read_bytes()


def test_the_golden_models_are_there():
    assert {"weights_v0", "weights_v1", "weights_v2"} <= {path.parent.stem for path in MODELS}


def test_old_files_have_legacy_shapes_and_new_types():
    path = CASES / "nets" / "weights_v2_legacy_dims.files" / "w.caffemodel"
    assert all(blob.legacy for blobs in read_weights(path).layers.values() for blob in blobs)


def test_file_order_and_layers_without_blobs_are_kept(model):
    weights = read_weights(model)
    assert list(weights.layers) == ["conv1", "relu_conv1", "ip1", "relu_ip1"]
    assert weights.layers["relu_ip1"] == []
    bare = lenet()
    for layer in bare.layer:
        layer.ClearField("blobs")
    assert weights.param == bare


def test_of_two_layers_of_one_name_the_last_with_blobs_counts(tmp_path):
    net = caffe_pb2.NetParameter()
    for value in (1, 2, None):
        layer = net.layer.add(name="a")
        if value:
            layer.blobs.add(data=[value])
    (tmp_path / "w").write_bytes(net.SerializeToString())
    assert stored(read_weights(tmp_path / "w")) == {"a": [[2]]}


def test_weights_of_a_message():
    net = lenet()
    assert stored(Weights.from_message(net)) == expected(net)
    old = caffe_pb2.NetParameter(layers=[{"name": "a", "type": "RELU", "blobs": [{"data": [1]}]}])
    assert Weights.from_message(old).param.layer[0].type == "ReLU"
    net.layer[0].blobs[0].data.pop()
    with pytest.raises(ParseError, match=r"^net 'LeNet': layer 'conv1': .*\(20, 1, 5, 5\) has 499"):
        Weights.from_message(net)


def test_round_trip_with_gradients_and_doubles(tmp_path):
    net = caffe_pb2.NetParameter(name="n", force_backward=True, debug_info=True)
    net.layer.add(name="a", type="Scale", include=[{"phase": "TRAIN"}], scale_param={"axis": 0})
    net.layer.add(name="b", type="Bias")
    arrays = {
        "a": [(np.array(1.5), np.array(2.5)), (np.arange(3, dtype=np.float32), None)],
        "b": [(np.zeros((0, 2), np.float32), None)],
    }
    write_weights(tmp_path / "w", net, arrays)
    weights = read_weights(tmp_path / "w")
    assert weights.param == net
    double, single = weights.layers["a"]
    assert (double.data.dtype, double.data, double.diff) == (np.float64, 1.5, 2.5)
    assert (single.shape, single.data.tolist(), single.diff) == ((3,), [0, 1, 2], None)
    assert weights.layers["b"][0].shape == (0, 2)
    again = caffe_pb2.NetParameter.FromString((tmp_path / "w").read_bytes())
    assert again.SerializeToString() == (tmp_path / "w").read_bytes()


def test_blobs_in_the_definition_are_not_written(tmp_path):
    write_weights(tmp_path / "w", lenet(), {"ip1": [(np.ones(2, np.float32), None)]})
    assert stored(read_weights(tmp_path / "w")) == {
        "conv1": [], "relu_conv1": [], "ip1": [[1, 1]], "relu_ip1": [],
    }  # fmt: skip


def test_what_goes_wrong_in_the_middle_leaves_the_old_file(model):
    before = model.read_bytes()
    blobs = {"conv1": [(np.ones(5, np.float32), None)], "ip1": [(None, None)]}
    with pytest.raises(AttributeError):
        write_weights(model, lenet(), blobs)
    assert model.read_bytes() == before
    assert os.listdir(model.parent) == [model.name]


def test_a_file_that_bvlc_cannot_read_for_its_size_is_warned_of(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("caffe_core.proto.weights._BVLC_LIMIT", 10)
    write_weights(tmp_path / "w", lenet(), {})
    assert caplog.messages == [
        f"{tmp_path / 'w'} is larger than 2 GB, which BVLC Caffe does not read; "
        "`snapshot_format: HDF5` has no such limit"
    ]
    assert caplog.records[0].levelno == logging.WARNING


def test_missing_file(model):
    assert refusal(model.with_name("lenett.caffemodel")) == (
        "cannot be read: No such file or directory. Did you mean 'lenet.caffemodel'?"
    )


def test_cut_off_within_a_blob_names_layer_and_byte(model):
    content = model.read_bytes()
    model.write_bytes(content[:-5000])
    left = len(content) - 5000 - content.index(b"\x2a\x80\x64") - 3
    start = content.index(b"\x2a\x80\x64") + 3
    assert refusal(model) == (
        f"layer 'ip1': at byte {start} 12800 bytes are expected, {left} are left. "
        "The file is cut off or damaged: copy or download it again."
    )


@given(st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, data):
    """Whatever byte is wrong, there is no error but ours."""
    content = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "w"
    path.write_bytes(content)
    with contextlib.suppress(ParseError):
        read_weights(path)


@pytest.mark.parametrize("share", np.linspace(0.02, 0.99, 20))
def test_cut_off_anywhere_is_an_error(model, share):
    content = model.read_bytes()
    model.write_bytes(content[: int(share * len(content))])
    assert refusal(model).endswith("is cut off or damaged: copy or download it again.")


def test_shape_that_does_not_go_with_the_values(model):
    net = lenet()
    net.layer[2].blobs[1].data.append(0)
    model.write_bytes(net.SerializeToString())
    assert refusal(model).startswith("layer 'ip1': at byte ")
    assert "a blob of shape (10,) has 11 values" in refusal(model)


def test_damaged_definition(tmp_path):
    content = lenet().SerializeToString()
    intact = caffe_pb2.ConvolutionParameter(num_output=20).SerializeToString()
    (tmp_path / "w").write_bytes(content.replace(intact, b"\xff\xff"))
    assert refusal(tmp_path / "w").startswith("at byte 0 there is no NetParameter: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty. Copy or download it again."),
        (b"name: 'LeNet'\nlayer {\n}\n", "this is text. A prototxt is given as the model."),
        (b"<!DOCTYPE html><html>", "this is a web page. Download the file itself."),
        (b"\n<html>" + b"x" * 99, "this is a web page. Download the file itself."),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 9, "this is an HDF5 file. Rename it to end in .h5."),
        (b"\x1f\x8b\x08" + b"\0" * 9, "this is a gzip file. Unpack it first."),
        (
            b"PK\x03\x04" + b"\0" * 9,
            "this is a zip file (or a PyTorch or NumPy one), not a Caffe file.",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "this is a Git LFS pointer. Fetch the file with `git lfs pull`.",
        ),
        (
            caffe_pb2.SolverState(iter=3, learned_net="l.caffemodel").SerializeToString(),
            "this is a .solverstate or a mean file. Give the .caffemodel.",
        ),
        (
            caffe_pb2.NetParameter(name="no layers").SerializeToString() + b"\x28\x01",
            "at byte 0 there are no layers. "
            "The file is cut off or damaged: copy or download it again.",
        ),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value[:20],
)
def test_other_files_are_named_for_what_they_are(content, message, tmp_path):
    path = tmp_path / "w.caffemodel"
    path.write_bytes(content)
    assert refusal(path) == message


def test_type_that_no_caffe_had(tmp_path):
    net = caffe_pb2.NetParameter(layers=[{"layer": {"name": "a", "type": "cnov"}}])
    (tmp_path / "w").write_bytes(net.SerializeToString())
    assert refusal(tmp_path / "w").startswith("a: no layer type 'cnov' in this format.")


def test_arrays_are_views_of_the_file(tmp_path):
    net = caffe_pb2.NetParameter()
    net.layer.add(name="big", type="InnerProduct")
    write_weights(tmp_path / "w", net, {"big": [(np.ones(1 << 20, np.float32), None)]})
    tracemalloc.start()
    blob = read_weights(tmp_path / "w").layers["big"][0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20  # a quarter of the values' size
    assert not blob.data.flags.owndata
    assert not blob.data.flags.writeable
    assert blob.data[-1] == 1
