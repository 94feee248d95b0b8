from __future__ import annotations

import gc
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from caffe_core import Net
from caffe_core.errors import CaffeError, DataError, LayerError

INPUT = "layer {{ name: '{0}' type: 'Input' top: '{0}' input_param {{ shape {{ {1} }} }} }}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(data=(2, 3), label=(2,), file="out.h5", **options):
    text = "".join(
        INPUT.format(name, " ".join(f"dim: {length}" for length in shape))
        for name, shape in (("data", data), ("label", label))
    )
    text += "layer { name: 'save' type: 'HDF5Output' bottom: 'data' bottom: 'label' "
    return Net(f"{text} hdf5_output_param {{ file_name: '{file}' }} }}", **options)


def run(net, value=0.0):
    for index, blob in enumerate(net.blobs.values()):
        blob.data[...] = value + index + np.arange(blob.count).reshape(blob.shape)
    net.forward()


def read(path="out.h5"):
    with h5py.File(path) as file:
        return {name: file[name][...] for name in file}


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_batches_come_one_after_the_other(memory_format):
    net = make((2, 3, 4, 5), (2, 1), memory_format=memory_format)
    run(net)
    run(net, 7)
    net.close()
    found = read()
    assert found["data"].shape == (4, 3, 4, 5)
    assert found["data"].dtype == np.float32
    np.testing.assert_array_equal(found["data"][0].ravel(), np.arange(60))
    np.testing.assert_array_equal(found["data"][2].ravel(), np.arange(60) + 7)
    np.testing.assert_array_equal(found["label"], np.reshape([1, 2, 8, 9], (4, 1, 1, 1)))


def test_float64():
    with make(dtype=np.float64) as net:
        run(net, 1 / 3)
    assert read()["data"].ravel()[0] == 1 / 3


def test_batches_may_differ_in_size():
    with make() as net:
        run(net)
        net.blobs["data"].reshape(5, 3)
        net.blobs["label"].reshape(5)
        run(net)
    assert read()["data"].shape == (7, 3, 1, 1)


def test_file_appears_complete_and_replaces_an_older_one(folder):
    (folder / "out.h5").write_text("older")
    net = make()
    assert os.listdir() == ["out.h5"]
    run(net)
    assert (folder / "out.h5").read_text() == "older"
    net.close()
    assert read()["label"].shape == (2, 1, 1, 1)
    assert os.listdir() == ["out.h5"]


def test_a_net_that_never_ran_leaves_the_file_alone(folder):
    (folder / "out.h5").write_text("older")
    make().close()
    assert (folder / "out.h5").read_text() == "older"


def test_a_closed_net_begins_anew():
    net = make()
    run(net)
    net.close()
    run(net, 5)
    net.close()
    assert len(read()["data"]) == 2


def test_the_folder_may_be_left_while_the_net_runs(folder, monkeypatch):
    net = make()
    run(net)
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    net.close()
    assert set(read(folder / "out.h5")) == {"data", "label"}


def test_a_dropped_net_completes_its_file():
    net = make()
    run(net)
    del net
    gc.collect()
    assert len(read()["data"]) == 2


def test_the_end_of_the_process_completes_the_file():
    code = (
        "from caffe_core import Net\n"
        f"net = Net({INPUT.format('x', 'dim: 2')!r}\n"
        "+ \"layer { name: 'save' type: 'HDF5Output' bottom: 'x' bottom: 'x' \"\n"
        "\"hdf5_output_param { file_name: 'out.h5' } }\")\n"
        "net.forward()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(read()["label"]) == 2


def test_rows_of_another_shape():
    with make() as net:
        run(net)
        net.blobs["data"].reshape(2, 4)
        with pytest.raises(
            CaffeError, match=r"^save \(HDF5Output\): .*'data' are \(4, 1, 1\), those before .*\(3"
        ):
            net.forward()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": (3,)}, r"bottom 'data' \(2, 3\) has 2 rows, bottom 'label' \(3,\) has 3"),
        ({"data": (2, 1, 1, 1, 1)}, r"need at most 4 axes, got \(2, 1, 1, 1, 1\); reshape"),
        ({"file": ""}, "file_name is missing"),
        ({"file": "no/out.h5"}, r"'no/out.h5' cannot be written: there is no folder"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(LayerError, match=rf"^save \(HDF5Output\): .*{message}"):
        make(**change)


def test_file_that_cannot_be_written(folder):
    (folder / "out.h5").mkdir()
    net = make()
    run(net)
    with pytest.raises(DataError, match=r"out.h5' cannot be written: .*hdf5_output_param"):
        net.close()
