"""Definitions from paths, text and messages; and files that are written whole or not at all."""

from __future__ import annotations

import errno
import logging
import os
import stat
import subprocess
import sys
import threading

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from caffe_core.errors import CaffeError, ParseError
from caffe_core.proto import caffe_pb2
from caffe_core.proto.files import atomic_write, load_net, load_solver, read_bytes
from caffe_core.proto.weights import read_weights

NET = 'name: "n"\nlayers { name: "r" type: RELU bottom: "a" top: "b" }\n'


@pytest.fixture
def net_file(tmp_path):
    path = tmp_path / "train_val.prototxt"
    path.write_text(NET)
    return path


def test_net_from_path_text_and_message_is_upgraded(net_file):
    message = caffe_pb2.NetParameter(name="n", layers=[{"name": "r", "type": "RELU"}])
    message.layers[0].bottom.append("a")
    message.layers[0].top.append("b")
    before = message.SerializeToString()
    nets = [load_net(source) for source in (net_file, str(net_file), NET, message)]
    assert all(net == nets[0] for net in nets)
    assert nets[0].layer[0].type == "ReLU"
    assert message.SerializeToString() == before


def test_text_may_be_one_line(tmp_path, monkeypatch):
    assert load_net('name: "x"\n').name == "x"
    assert load_net('layer { name: "x" }').layer[0].name == "x"
    assert load_net(' name : "x"').name == "x"
    assert load_solver("net: 'x.prototxt' base_lr: 0.5").base_lr == 0.5
    monkeypatch.chdir(tmp_path)
    (tmp_path / "name:x").write_text("name: 'file'")
    assert load_net("name:x").name == "file"


@pytest.mark.parametrize("path", ["missing", "C:missing.prototxt", "missing/a:b", "../name: 'x'"])
def test_what_is_no_text_is_a_path(path):
    with pytest.raises(ParseError, match="cannot be read"):
        load_net(path)


def test_message_of_another_caffe_pb2_is_taken():
    other = descriptor_pb2.FileDescriptorProto(name="o.proto", package="caffe", syntax="proto2")
    other.message_type.add(name="NetParameter").field.add(name="name", number=1, type=9, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(other)
    theirs = message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))
    net = load_net(theirs(name="theirs"))
    assert isinstance(net, caffe_pb2.NetParameter)
    assert net.name == "theirs"


def test_message_of_a_wrong_type():
    with pytest.raises(
        ParseError, match=r"^expected a caffe\.NetParameter message, found caffe\.So"
    ):
        load_net(caffe_pb2.SolverParameter())


def test_missing_file_names_its_neighbours(net_file):
    wrong = net_file.with_name("train_vall.prototxt")
    with pytest.raises(ParseError) as caught:
        load_net(wrong)
    assert str(caught.value) == (
        f"{wrong}: cannot be read: No such file or directory. Did you mean 'train_val.prototxt'?"
    )


def test_missing_directory(tmp_path):
    with pytest.raises(ParseError) as caught:
        load_net(tmp_path / "models" / "net.prototxt")
    assert str(caught.value).endswith(f"There is no directory {str(tmp_path / 'models')!r}.")


def test_directory_in_place_of_a_file(tmp_path):
    with pytest.raises(ParseError, match=r": cannot be read: Is a directory\.$"):
        load_net(tmp_path)


def test_binary_file_as_definition(tmp_path):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(b"\n\x05LeNet\xa2\x06\x00\x00\x00")
    with pytest.raises(ParseError) as caught:
        load_net(path)
    assert str(caught.value) == (
        f"{path}: expected prototxt, found binary data. "
        "A .caffemodel is given as weights, a .solverstate as a snapshot."
    )


def test_byte_order_mark_and_comments_in_another_encoding(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_bytes(b"\xef\xbb\xbf# \xc4\xe3\xba\xc3\nname: 'n'\n")
    assert load_net(path).name == "n"


def test_what_an_upgrade_finds_wrong_names_the_file(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text('input: "a" input_dim: 3\n')
    with pytest.raises(ParseError) as caught:
        load_net(path)
    assert str(caught.value).startswith(f"{path}: net '' has 1 input and 1 input_dim")


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ('net: "n"\n', "{dir}/lenet_solver"),
        ('snapshot_prefix: "models/lenet"\n', "models/lenet"),
        ('snapshot_prefix: "{dir}"\n', "{dir}/lenet_solver"),
    ],
)
def test_snapshots_are_named_after_the_solver_file(text, prefix, tmp_path, caplog):
    path = tmp_path / "lenet_solver.prototxt"
    path.write_text(text.format(dir=tmp_path))
    with caplog.at_level(logging.INFO, "caffe"):
        solver = load_solver(path)
    assert solver.snapshot_prefix == prefix.format(dir=tmp_path)
    assert (str(tmp_path) in caplog.text) == ("{dir}" in prefix)


def test_solver_without_a_file_has_the_prefix_it_says(tmp_path):
    assert not load_solver('net: "n"\n').HasField("snapshot_prefix")


def test_write_replaces_the_file(tmp_path):
    path = tmp_path / "w.caffemodel"
    path.write_bytes(b"old")
    with atomic_write(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["w.caffemodel"]


def write_half(path, error):
    with atomic_write(path) as file:
        file.write(b"half")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_what_goes_wrong_in_the_middle_leaves_the_old_file(error, tmp_path):
    path = tmp_path / "w.caffemodel"
    path.write_bytes(b"old")
    with pytest.raises(error):
        write_half(path, error)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["w.caffemodel"]


def test_full_disk_is_said_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "w.caffemodel"
    path.write_bytes(b"old")
    with pytest.raises(CaffeError) as caught, atomic_write(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(caught.value) == f"{path}: cannot be written: No space left on device."
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["w.caffemodel"]


def test_write_into_a_missing_directory(tmp_path):
    path = tmp_path / "snapshots" / "w.caffemodel"
    with pytest.raises(CaffeError) as caught, atomic_write(path):
        pytest.fail("there is nothing to write to")
    assert str(caught.value) == (
        f"{path}: cannot be written: No such file or directory. "
        f"Create the directory {str(path.parent)!r}."
    )


def test_write_through_a_link_keeps_the_link(tmp_path):
    target, link = tmp_path / "real", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with atomic_write(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_device_is_written_to_not_replaced():
    with atomic_write(os.devnull) as file:
        file.write(b"gone")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_read_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"\0\1")
    assert read_bytes(tmp_path / "a") == b"\0\1"


FULL_DISK = """
import resource, signal, sys
import numpy as np
from caffe_core.errors import CaffeError
from caffe_core.proto import caffe_pb2, weights
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
net = caffe_pb2.NetParameter(layer=[{"name": "a"}, {"name": "b"}])
values = [(np.ones(9000), None)]
try:
    weights.write_weights(sys.argv[1], net, {"a": values, "b": [(np.zeros(9000), None)]})
except CaffeError as error:
    assert str(error).startswith(sys.argv[1] + ": cannot be written: "), error
    assert "File too large" in str(error), error
else:
    raise SystemExit("it was written")
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of the file size are POSIX")
@pytest.mark.parametrize("name", ["w.caffemodel", "w.caffemodel.h5"])
def test_no_room_for_weights_leaves_the_old_file(name, tmp_path):
    if name.endswith(".h5"):
        pytest.importorskip("h5py")
    path = tmp_path / name
    path.write_bytes(b"old")
    subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], check=True)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [name]


@pytest.mark.skipif(os.name != "posix", reason="named pipes are POSIX")
def test_weights_come_through_a_pipe(tmp_path):
    content = caffe_pb2.NetParameter(layer=[{"name": "a"}]).SerializeToString()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[content])
    writer.start()
    assert list(read_weights(tmp_path / "pipe").layers) == ["a"]
    writer.join()
