"""HDF5 snapshots in the layout of BVLC Caffe."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from caffe_core.errors import CaffeError, NetError, ParseError
from caffe_core.net import Net
from caffe_core.proto import caffe_pb2, hdf5
from caffe_core.proto.state import State, read_state, write_state
from caffe_core.proto.weights import read_weights, write_weights

h5py = pytest.importorskip("h5py")

CASES = Path(__file__).parents[2] / "golden" / "cases" / "solvers"
NET = caffe_pb2.NetParameter(
    layer=[{"name": "data"}, {"name": "a"}, {"name": "inception/1x1"}, {"name": "b"}]
)


def structure(path: Path) -> dict[str, tuple[object, ...]]:
    """Name, type and shape of everything in the file, and the order in which links are kept."""
    found: dict[str, tuple[object, ...]] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update(
                {name: (item.dtype, item.shape) if isinstance(item, h5py.Dataset) else ()}
            )
        )
    return found


def refusal(read, path: Path) -> str:
    with pytest.raises(ParseError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    "path", sorted(CASES.glob("*/*.caffemodel.h5")), ids=lambda p: p.parent.stem
)
def test_weights_of_bvlc_are_those_of_the_binary_file(path, tmp_path):
    ours, binary = read_weights(path), read_weights(path.with_suffix(""))
    assert set(ours.layers) == set(binary.layers)
    for name, blobs in ours.layers.items():
        for blob, other in zip(blobs, binary.layers[name], strict=True):
            assert blob is None or np.array_equal(blob.data, other.data)
    pairs = {name: [(b.data, None) for b in blobs] for name, blobs in binary.layers.items()}
    if path.parent.stem == "sgd_shared":
        pairs["b"][0] = pairs["a"][0]
    write_weights(tmp_path / "w.h5", binary.param, pairs)
    assert structure(tmp_path / "w.h5") == structure(path)


@pytest.mark.parametrize(
    "path", sorted(CASES.glob("*/*.solverstate.h5")), ids=lambda p: p.parent.stem
)
def test_states_of_bvlc_are_those_of_the_binary_file(path, tmp_path):
    ours, binary = read_state(path), read_state(path.with_suffix(""))
    assert (ours.iter, ours.current_step, ours.resume) == (binary.iter, binary.current_step, {})
    assert ours.learned_net == binary.learned_net + ".h5"
    for array, other in zip(ours.history, binary.history, strict=True):
        assert np.array_equal(array, other)
    write_state(tmp_path / "s.h5", ours)
    assert structure(tmp_path / "s.h5") == structure(path)


def test_the_golden_files_are_there():
    assert len(list(CASES.glob("*/*.h5"))) >= 10


def test_text_ends_with_the_nul_that_bvlc_looks_for(tmp_path):
    write_state(tmp_path / "s.h5", State(1, "net.caffemodel.h5"))
    with h5py.File(tmp_path / "s.h5") as file:
        raw = np.empty((), f"V{file['learned_net'].dtype.itemsize}")
        file["learned_net"].id.read(
            h5py.h5s.ALL, h5py.h5s.ALL, raw, file["learned_net"].id.get_type()
        )
    assert raw.tobytes() == b"net.caffemodel.h5\0"


def test_more_than_ten_history_blobs_keep_their_order(tmp_path):
    write_state(tmp_path / "s.h5", State(history=[np.float32([i]) for i in range(12)]))
    assert [array[0] for array in read_state(tmp_path / "s.h5").history] == list(range(12))


def test_round_trip_with_gradients_doubles_and_slashes_in_names(tmp_path):
    blobs = {
        "a": [(np.ones((2, 3)), np.zeros((2, 3))), (np.array(4, np.float32), None)],
        "inception/1x1": [(np.arange(3, dtype=np.float32), None)],
    }
    write_weights(tmp_path / "w.h5", NET, blobs)
    weights = read_weights(tmp_path / "w.h5")
    assert sorted(weights.layers) == ["a", "b", "data", "inception/1x1"]
    assert sorted(layer.name for layer in weights.param.layer) == sorted(weights.layers)
    first, second = weights.layers["a"]
    assert (first.data.dtype, first.shape, first.diff.tolist()) == (
        np.float64,
        (2, 3),
        [[0] * 3] * 2,
    )
    assert (second.shape, second.diff, second.legacy) == ((), None, False)
    assert weights.layers["inception/1x1"][0].data.tolist() == [0, 1, 2]
    assert weights.layers["b"] == weights.layers["data"] == []


def test_shared_values_are_written_once_and_their_gradients_each_time(tmp_path):
    shared, other = np.ones(3, np.float32), np.zeros(3, np.float32)
    write_weights(
        tmp_path / "w.h5", NET, {"a": [(shared, other)], "b": [(shared, other), (other, other)]}
    )
    assert {name for name, array in structure(tmp_path / "w.h5").items() if array} == {
        "data/a/0", "data/b/1", "diff/a/0", "diff/b/0", "diff/b/1",
    }  # fmt: skip
    blobs = read_weights(tmp_path / "w.h5").layers["b"]
    assert blobs[0] is None
    assert blobs[1].data.tolist() == [0, 0, 0]


def test_other_hdf5_files(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["label"] = [1]
    assert refusal(read_weights, path) == "expected an HDF5 file with the group 'data', found label"
    assert (
        refusal(read_state, path) == "expected an HDF5 file with the group 'history', found label"
    )
    with h5py.File(path, "w"):
        pass
    assert (
        refusal(read_weights, path) == "expected an HDF5 file with the group 'data', found nothing"
    )


def test_data_set_in_place_of_the_layers(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["data"] = [1]
    assert refusal(read_weights, tmp_path / "x.h5").endswith("the group 'data', found data")


def test_gap_in_the_history(tmp_path):
    write_state(tmp_path / "s.h5", State(history=[np.ones(1), np.ones(1)]))
    with h5py.File(tmp_path / "s.h5", "a") as file:
        del file["history/0"]
    assert "The file is cut off or damaged" in refusal(read_state, tmp_path / "s.h5")


def test_damaged_resume(tmp_path):
    write_state(tmp_path / "s.h5", State(resume={"a": 1}))
    with h5py.File(tmp_path / "s.h5", "a") as file:
        file["resume"][0] = 255
    assert "The file is cut off or damaged" in refusal(read_state, tmp_path / "s.h5")


@pytest.mark.parametrize("read", [read_weights, read_state])
def test_not_hdf5_missing_and_cut_off(read, tmp_path):
    path = tmp_path / "x.h5"
    path.write_bytes(b"<html>")
    assert refusal(read, path) == "this is a web page. Download the file itself."
    path.write_bytes(b"")
    assert refusal(read, path) == "the file is empty. Copy or download it again."
    write_weights(path, NET, {"a": [(np.ones(1000), None)]})
    path.write_bytes(path.read_bytes()[:4000])
    assert "The file is cut off or damaged" in refusal(read, path)
    path.unlink()
    assert refusal(read, path) == "cannot be read: No such file or directory."


def test_group_called_data_with_other_content(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["data/images"] = [1]
    assert refusal(read_weights, tmp_path / "x.h5").startswith("there are no layers.")


@pytest.mark.parametrize("share", np.linspace(0.05, 0.95, 19))
@pytest.mark.parametrize("read", [read_weights, read_state])
def test_cut_off_anywhere_is_an_error(read, share, tmp_path):
    path = tmp_path / "x.h5"
    if read is read_state:
        write_state(path, State(history=[np.ones(100)] * 3, resume={"a": np.ones(10)}))
    else:
        write_weights(path, NET, {"a": [(np.ones(100), None)], "b": [(np.ones(100), None)]})
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert "The file is cut off or damaged" in refusal(read, path)


def test_what_goes_wrong_in_the_middle_leaves_the_old_file(tmp_path):
    path = tmp_path / "w.h5"
    path.write_bytes(b"old")
    with pytest.raises(AttributeError):
        write_weights(path, NET, {"a": [(np.ones(3), None)], "b": [(None, None)]})
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["w.h5"]


def test_without_h5py_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    for act in (
        lambda: read_weights(tmp_path / "w.h5"),
        lambda: write_state(tmp_path / "s.h5", State()),
    ):
        with pytest.raises(CaffeError, match=r"need h5py: pip install caffe-core\[hdf5\]$"):
            act()
    assert os.listdir(tmp_path) == []


SIAMESE = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" SHARE
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" SHARE
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
"""


def test_net_with_shared_layers_goes_to_hdf5_and_back(tmp_path):
    text = SIAMESE.replace("SHARE", 'param { name: "w" } param { name: "c" }')
    net, other = Net(text, seed=1), Net(text, seed=2)
    net.save(tmp_path / "w.h5")
    other.copy_from(tmp_path / "w.h5")
    for name in "ab":
        for mine, copied in zip(net.params[name], other.params[name], strict=True):
            assert np.array_equal(mine.data, copied.data)


def test_shared_values_do_not_fill_a_net_that_does_not_share(tmp_path):
    net = Net(SIAMESE.replace("SHARE", 'param { name: "w" }'), seed=1)
    net.save(tmp_path / "w.h5")
    with pytest.raises(NetError, match="for layer b: param 0 is not there, as the net that was"):
        Net(SIAMESE.replace("SHARE", ""), seed=2).copy_from(tmp_path / "w.h5")


def test_what_h5py_says_on_closing_is_told_as_a_failed_write(tmp_path):
    with pytest.raises(CaffeError, match=r"w\.h5: cannot be written: no room\.$"):
        close_badly(tmp_path / "w.h5")
    assert os.listdir(tmp_path) == []


def close_badly(path):
    with hdf5._writing(path):
        raise RuntimeError("no room")
