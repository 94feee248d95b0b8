from __future__ import annotations

import os
from itertools import groupby

import h5py
import numpy as np
import pytest

from caffe_core import Net
from caffe_core.errors import CaffeError, DataError, LayerError

COUNTS = (4, 1, 3)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with three files of eight rows, numbered 0 to 7, and a list."""
    monkeypatch.chdir(tmp_path)
    ends = np.cumsum(COUNTS)
    for name, end, count in zip("abc", ends, COUNTS, strict=True):
        write(f"{name}.h5", label=np.arange(end - count, end))
    (tmp_path / "list.txt").write_text("a.h5\n\n b.h5\nc.h5\n")
    return tmp_path


def write(path, label, shape=(2, 3), **more):
    data = np.broadcast_to(np.reshape(label, (-1, *[1] * len(shape))), (len(label), *shape))
    with h5py.File(path, "w") as file:
        for name, values in {"data": data, "label": label, **more}.items():
            file[name] = values


def hdf5_data(batch_size=3, params="", tops=("data", "label"), more=""):
    names = " ".join(f"top: '{top}'" for top in tops)
    param = f"source: 'list.txt' batch_size: {batch_size} {params}"
    return f"name: 'rows' type: 'HDF5Data' {names} {more} hdf5_data_param {{ {param} }}"


def labels(running, batches):
    return np.concatenate([running.forward()[1] for _ in range(batches)]).astype(int).tolist()


@pytest.mark.parametrize("batch_size", [1, 3, 8, 11])
def test_rows_come_in_order_over_the_ends_of_files(run, folder, batch_size):
    running = run(hdf5_data(batch_size))
    for batch in range(6):
        data, label = running.forward()
        expected = (np.arange(batch_size) + batch * batch_size) % 8
        np.testing.assert_array_equal(label, expected)
        np.testing.assert_array_equal(data, np.broadcast_to(expected[:, None, None], data.shape))


def test_any_number_of_tops(run, folder):
    for index, name in enumerate("abc"):
        label = np.zeros(COUNTS[index])
        write(f"{name}.h5", label, weight=np.ones((COUNTS[index], 1), np.float16), on=label == 0)
    running = run(hdf5_data(tops=["weight", "on", "label"]))
    assert [blob.shape for blob in running.top] == [(3, 1), (3,), (3,)]
    assert [values.ravel().tolist() for values in running.forward()] == [[1] * 3, [1] * 3, [0] * 3]


def test_float64_keeps_its_precision(run, folder):
    (folder / "list.txt").write_text("a.h5")
    write("a.h5", np.array([1 / 3]))
    assert run(hdf5_data(1), dtype=np.float64).forward()[1][0] == 1 / 3


def test_shuffle_takes_each_row_once_and_file_after_file(run, folder):
    running = run(hdf5_data(8, "shuffle: true"))
    laps = [labels(running, 1) for _ in range(12)]
    assert all(sorted(lap) == list(range(8)) for lap in laps)
    by_file = [[file for file, _ in groupby("aaaabccc"[row] for row in lap)] for lap in laps]
    assert all(sorted(files) == ["a", "b", "c"] for files in by_file)
    assert len(set(map(tuple, by_file))) > 2
    assert len({tuple(row for row in lap if row < 4) for lap in laps}) > 2


def test_batches_of_shuffled_rows_go_over_the_end(run, folder):
    small, large = (run(hdf5_data(size, "shuffle: true"), seed=4) for size in (3, 12))
    assert labels(small, 8) == labels(large, 2)


def test_a_restored_layer_goes_on_as_the_saved_one(run, folder):
    whole = run(hdf5_data(params="shuffle: true"))
    labels(whole, 5)
    resumed = run(hdf5_data(params="shuffle: true"), seed=8)
    resumed.forward()
    resumed.layer.restore(whole.layer.state())
    assert labels(resumed, 6) == labels(whole, 6)


def test_skip(run, folder):
    running = run(hdf5_data())
    running.layer.skip(10**12 + 1)
    assert labels(running, 1) == [(3 * (10**12 + 1) + place) % 8 for place in range(3)]


def test_files_without_rows_are_passed_over(run, folder):
    write("b.h5", np.zeros(0))
    assert labels(run(hdf5_data(7)), 1) == [0, 1, 2, 3, 5, 6, 7]


def test_transform_param_is_refused(run, folder):
    with pytest.raises(LayerError, match=r"^rows \(HDF5Data\): does not transform data"):
        run(hdf5_data(more="transform_param { scale: 2 }"))


@pytest.mark.parametrize(
    ("write_b", "message"),
    [
        (lambda: os.remove("b.h5"), r"'b.h5' does not exist\. Did you mean .*'a.h5'"),
        (lambda: write_text("no HDF5"), r"'b.h5' is not an HDF5 file, or damaged"),
        (lambda: write("b.h5", [0], (3, 2)), r"rows of dataset 'data' are \(3, 2\), .*\(2, 3\)"),
        (lambda: write("b.h5", [0], data=[1, 2]), r"dataset 'label' has 1 rows, 'data' has 2"),
        (lambda: write("b.h5", [0], data=1.5), r"dataset 'data' has no axes"),
        (lambda: write("b.h5", [0], data=[b"x"]), r"dataset 'data' holds .*; expected real or"),
    ],
)
def test_file_that_cannot_be_used(run, folder, write_b, message):
    write_b()
    with pytest.raises(DataError, match=rf"^list.txt:3: ('b.h5': )?{message}"):
        run(hdf5_data())


def write_text(text):
    with open("b.h5", "w") as file:
        file.write(text)


def test_missing_dataset_names_those_there_are(folder):
    with pytest.raises(
        CaffeError,
        match=r"^rows \(HDF5Data\): list.txt:1: 'a.h5': there is no dataset 'lable', only 'data', "
        r"'label'\. Did you mean 'label'\? Name the tops like the datasets",
    ):
        Net(f"layer {{ {hdf5_data(tops=['data', 'lable'])} }}")


def test_file_that_vanishes_later(run, folder):
    running = run(hdf5_data())
    os.remove("c.h5")
    running.forward()
    with pytest.raises(DataError, match=r"^list.txt:4: 'c.h5' does not exist"):
        running.forward()


def test_lists(run, folder):
    (folder / "list.txt").write_text(" \n")
    with pytest.raises(DataError, match=r"'list.txt' names no files"):
        run(hdf5_data())
    (folder / "list.txt").write_text("a.h5 b.h5")
    write("a.h5", np.zeros(0))
    write("b.h5", np.zeros(0))
    with pytest.raises(DataError, match=r"'list.txt': its files have no rows"):
        run(hdf5_data())
    (folder / "list.txt").unlink()
    with pytest.raises(DataError, match=r"'list.txt' does not exist \(expected: list of HDF5"):
        run(hdf5_data())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("batch_size: 3", "batch_size: 0", "batch_size must be at least 1"),
        ("'list.txt'", "''", "source is missing"),
    ],
)
def test_refusals(run, folder, old, new, message):
    with pytest.raises(LayerError, match=rf"^rows \(HDF5Data\): {message}"):
        run(hdf5_data().replace(old, new))
