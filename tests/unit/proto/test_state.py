"""Solver states in and out, exact to the bit, and readable by BVLC Caffe."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from caffe_core.errors import ParseError
from caffe_core.proto import caffe_pb2, resume, resume_pb2, wire
from caffe_core.proto.state import State, read_state, write_state

CASES = Path(__file__).parents[2] / "golden" / "cases" / "solvers"
STATES = sorted(CASES.glob("*.files/*.solverstate"))

RNG = np.random.default_rng(2**127 + 1)
STATE = State(
    iter=5000,
    learned_net="models/lenet_iter_5000.caffemodel",
    current_step=2,
    history=[np.arange(6, dtype=np.float32).reshape(2, 3), np.array(np.pi), np.zeros((0, 4))],
    resume={
        "rng": RNG.bit_generator.state,
        "cursor": {"train": [3, None, True, "é"], "$array": 1, "$x": {}},
        "loss": [np.float32(0.1), float("inf"), 1e-300],
        "arrays": [np.arange(3, dtype=np.float64), np.array([[True]]), np.arange(2, dtype=">i4")],
    },
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False)
    | st.text()
    | hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def same(one, other) -> bool:
    """Whether two nested values are equal in type, shape and every bit."""
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray)
            and (one.shape, one.dtype.newbyteorder("=")) == (other.shape, other.dtype)
            and one.astype(other.dtype).tobytes() == other.tobytes()
        )
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def refusal(path: Path) -> str:
    with pytest.raises(ParseError) as caught:
        read_state(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("path", STATES, ids=lambda path: path.parent.stem)
def test_reads_what_bvlc_wrote_and_writes_the_same_bytes(path, tmp_path):
    theirs = caffe_pb2.SolverState.FromString(path.read_bytes())
    state = read_state(path)
    assert (state.iter, state.learned_net, state.current_step, state.resume) == (
        theirs.iter, theirs.learned_net, theirs.current_step, {},
    )  # fmt: skip
    assert [array.ravel().tolist() for array in state.history] == [
        list(blob.data) for blob in theirs.history
    ]
    assert [array.shape for array in state.history] == [
        tuple(blob.shape.dim) for blob in theirs.history
    ]
    write_state(tmp_path / "ours", state)
    assert (tmp_path / "ours").read_bytes() == path.read_bytes()


def test_the_golden_states_are_there():
    assert len(STATES) >= 5


@pytest.mark.parametrize("suffix", [".solverstate", ".solverstate.h5"])
def test_round_trip_is_exact(suffix, tmp_path):
    if suffix.endswith(".h5"):
        pytest.importorskip("h5py")
    path = tmp_path / f"s{suffix}"
    write_state(path, STATE)
    state = read_state(path)
    assert (state.iter, state.learned_net, state.current_step) == (5000, STATE.learned_net, 2)
    for ours, original in zip(state.history, STATE.history, strict=True):
        assert ours.dtype == original.dtype or not original.size
        assert ours.shape == original.shape
        assert ours.tobytes() == original.tobytes()
    assert state.resume["loss"][0] == float(np.float32(0.1))
    assert same(
        {**STATE.resume, "loss": [float(np.float32(0.1)), float("inf"), 1e-300]}, state.resume
    )
    generator = np.random.default_rng()
    generator.bit_generator.state = state.resume["rng"]
    assert generator.random() == np.random.default_rng(2**127 + 1).random()


def test_arrays_to_resume_from_can_be_written_to(tmp_path):
    write_state(tmp_path / "s", STATE)
    read_state(tmp_path / "s").resume["arrays"][0][:] = 7


def test_bvlc_skips_what_we_add(tmp_path):
    write_state(tmp_path / "s", STATE)
    theirs = caffe_pb2.SolverState.FromString((tmp_path / "s").read_bytes())
    assert (theirs.iter, theirs.learned_net, theirs.current_step) == (5000, STATE.learned_net, 2)
    assert list(theirs.history[0].data) == [0, 1, 2, 3, 4, 5]
    assert list(theirs.history[1].double_data) == [np.pi]
    theirs.DiscardUnknownFields()
    write_state(tmp_path / "plain", State(5000, STATE.learned_net, 2, STATE.history))
    assert theirs.SerializeToString() == (tmp_path / "plain").read_bytes()


@given(st.dictionaries(st.text(), VALUES, max_size=3))
def test_resume_round_trip(value):
    assert same(value, resume.decode(resume.encode(value)))


def test_tuples_and_numbers_of_numpy_become_plain():
    encoded = resume.encode({"a": (1, np.int64(2)), "b": np.float64(0.5), "c": np.bool_(True)})
    assert resume.decode(encoded) == {"a": [1, 2], "b": 0.5, "c": True}


@pytest.mark.parametrize("value", [{1: 2}, {"a": {None: 2}}])
def test_keys_must_be_text(value):
    with pytest.raises(TypeError, match="keys of a solver's resume state must be text, got"):
        resume.encode(value)


@pytest.mark.parametrize("dtype", [object, [("a", "i4")]])
def test_arrays_must_be_of_plain_elements(dtype):
    with pytest.raises(TypeError, match="resume state cannot hold arrays of"):
        resume.encode({"a": np.zeros(2, dtype)})


@given(st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "s"
    write_state(path, STATE)
    damage(path, data)
    with contextlib.suppress(ParseError):
        read_state(path)


def damage(path: Path, data) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)


def test_missing_file(tmp_path):
    (tmp_path / "a_iter_10.solverstate").touch()
    assert refusal(tmp_path / "a_iter_100.solverstate") == (
        "cannot be read: No such file or directory. Did you mean 'a_iter_10.solverstate'?"
    )


def test_empty_file(tmp_path):
    (tmp_path / "s").touch()
    assert refusal(tmp_path / "s") == "the file is empty. Copy or download it again."


def test_weights_given_as_state(tmp_path):
    net = caffe_pb2.NetParameter(name="LeNet", layer=[{"name": "a"}])
    (tmp_path / "s").write_bytes(net.SerializeToString())
    assert refusal(tmp_path / "s") == "this looks like a .caffemodel. Give it as weights."


def test_hdf5_under_another_name(tmp_path):
    (tmp_path / "s").write_bytes(b"\x89HDF\r\n\x1a\n\0")
    assert refusal(tmp_path / "s") == "this is an HDF5 file. Rename it to end in .h5."


def test_cut_off_in_the_history(tmp_path):
    write_state(tmp_path / "s", State(1, "n", 0, [np.ones(3), np.ones(100)]))
    content = (tmp_path / "s").read_bytes()
    (tmp_path / "s").write_bytes(content[:-100])
    assert refusal(tmp_path / "s") == (
        "history blob 1: at byte 49 800 bytes are expected, 702 are left. "
        "The file is cut off or damaged: copy or download it again."
    )


def appended(field: bytes) -> bytes:
    return caffe_pb2.SolverState(iter=1).SerializeToString() + field


@pytest.mark.parametrize(
    "content",
    [
        appended(wire.prefix(1000, 5) + b"abcde"),
        appended(wire.prefix(1000, 500) + b"abcde"),
        appended(wire.prefix(1000, 0)),
        *(
            appended(wire.prefix(1000, len(each)) + each)
            for each in (
                resume_pb2.State(json=text, array=arrays).SerializeToString()
                for text, arrays in (
                    ("{", []),
                    ("[1]", []),
                    (json.dumps({"a": {"$array": 2}}), []),
                    (json.dumps({"a": {"$array": "x"}}), []),
                    ("{}", [{"dtype": "?!"}]),
                    ("{}", [{"dtype": "<f4, (,)f8"}]),
                    ("{}", [{"dtype": "<f4", "shape": [3], "data": b"1234"}]),
                )
            )
        ),
    ],
)
def test_damaged_resume(content, tmp_path):
    (tmp_path / "s").write_bytes(content)
    assert refusal(tmp_path / "s").endswith("is cut off or damaged: copy or download it again.")


def test_write_keeps_the_old_file_on_an_error(tmp_path):
    write_state(tmp_path / "s", STATE)
    before = (tmp_path / "s").read_bytes()
    with pytest.raises(TypeError):
        write_state(tmp_path / "s", State(1, "n", 0, [], {"a": {1}}))
    assert (tmp_path / "s").read_bytes() == before
