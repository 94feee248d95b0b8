"""The golden runner itself: it finds what is wrong, and says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from caffe_core.testing.golden import Options, Status, find_cases, run_case
from caffe_core.testing.golden.__main__ import main
from caffe_core.testing.golden.compare import Comparison

CASES = Path(__file__).parent / "cases"
INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }\n'
RELU = 'layer { name: "layer" type: "ReLU" bottom: "data" top: "out" }\n'


def write_case(path, **changes):
    """Write a case of ReLU that passes unless it is changed."""
    x = np.array([[1, -2, 3], [-4, 5, -6]], np.float32)
    content = {
        "prototxt": "force_backward: true\n" + INPUT + RELU,
        "phase": "TRAIN",
        "note": "ReLU",
        "nforward": 1,
        "nbackward": 1,
        "in:data": x,
        "out:out": np.maximum(x, 0),
        "topdiff:out": np.ones_like(x),
        "bottomdiff:data": (x > 0).astype(np.float32),
    }
    content.update(changes)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{key: value for key, value in content.items() if value is not None})
    return path


def only_case(folder):
    (case,) = find_cases(folder)
    return case


def test_a_right_case_passes(tmp_path, capsys):
    write_case(tmp_path / "deep" / "down" / "relu.npz")
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 passed, 0 failed, 0 skipped\n"


def test_a_wrong_result_is_one_line_that_names_case_array_and_error(tmp_path, capsys):
    wrong = np.array([[1, 0, 3.5], [0, 5, 0]], np.float32)
    write_case(tmp_path / "relu.npz", **{"out:out": wrong})
    write_case(tmp_path / "right.npz")
    assert main([str(tmp_path)]) == 1
    failed, closing = capsys.readouterr().out.splitlines()
    assert failed.startswith(
        "FAILED relu.npz: out:out: max error 0.5 at (0, 2) (reference maximum 5)"
    )
    assert closing == "1 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("bottomdiff:data", np.zeros((2, 3), np.float32), "bottomdiff:data: max error 1"),
        ("out:out", np.zeros((3, 2), np.float32), "found shape (2, 3), expected (3, 2)"),
        ("out:other", np.zeros(2), "out:other is missing"),
        ("paramdiff:0", np.zeros(2), "paramdiff:layer:0 is missing"),
        ("prototxt", "layer { nme: 'x' }", "LayerParameter has no field 'nme'"),
        ("in:data", np.zeros((4, 5), np.float32), "ValueError: could not broadcast"),
        ("prototxt", None, "is no golden case: it holds phase, note"),
    ],
)
def test_what_goes_wrong_is_said(tmp_path, key, value, problem):
    write_case(tmp_path / "relu.npz", **{key: value})
    result = run_case(only_case(tmp_path))
    assert result.status is Status.FAILED
    assert problem in str(result)


def test_a_file_that_is_no_archive_fails(tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 cut off")
    result = run_case(only_case(tmp_path))
    assert result.status is Status.FAILED
    assert "is no golden case" in str(result)


def test_a_missing_layer_type_is_skipped_and_named(tmp_path, capsys):
    prototxt = INPUT + RELU.replace("ReLU", "NotYetWritten")
    write_case(tmp_path / "new.npz", prototxt=prototxt)
    assert main([str(tmp_path), "-v"]) == 0
    reason, closing = capsys.readouterr().out.splitlines()
    assert reason == "SKIPPED new.npz: layer type 'NotYetWritten' is not installed"
    assert closing == "0 passed, 0 failed, 1 skipped"


def test_a_layer_that_the_phase_leaves_out_need_not_be_installed(tmp_path):
    absent = 'layer { name: "x" type: "NotYetWritten" bottom: "data" include { phase: TEST } }\n'
    write_case(tmp_path / "relu.npz", prototxt="force_backward: true\n" + INPUT + RELU + absent)
    assert run_case(only_case(tmp_path)).status is Status.PASSED


@pytest.mark.parametrize("folder", ["nothing", "."])
def test_a_folder_without_cases_is_an_error(tmp_path, capsys, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    assert main([folder]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"no golden case (*.npz) under {folder!r} matches" in captured.err


def test_a_device_that_does_not_exist_is_an_error(tmp_path, capsys):
    write_case(tmp_path / "relu.npz")
    assert main([str(tmp_path), "--device", "abacus"]) == 2
    assert "device 'abacus'" in capsys.readouterr().err


def test_a_pattern_selects(capsys):
    assert main([str(CASES), "-k", "ReLU/slope", "-v"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "PASSED layers/ReLU/slope.npz",
        "PASSED layers/ReLU/slope_neg.npz",
        "2 passed, 0 failed, 0 skipped",
    ]


def test_memory_format_and_engine_are_passed_on(tmp_path):
    write_case(tmp_path / "relu.npz")
    options = Options(engine="caffe", memory_format="channels_last").for_net()
    assert options["engines"] == ("caffe",)
    assert options["memory_format"] == "channels_last"
    result = run_case(only_case(tmp_path), Options(memory_format="upside_down"))
    assert "memory_format is 'upside_down'" in str(result)


def test_working_directory_and_side_files_are_left_as_they_were(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    case_folder = tmp_path / "case"
    path = write_case(case_folder / "relu.npz", files="side")
    (case_folder / "side").mkdir()
    (case_folder / "side" / "note.txt").write_text("original")
    case = only_case(case_folder)
    with case.folder() as folder:
        assert Path.cwd().samefile(folder)
        Path("note.txt").write_text("changed")
    assert Path.cwd() == tmp_path
    assert not folder.exists()
    assert (path.parent / "side" / "note.txt").read_text() == "original"


def test_a_solver_case_fails_where_a_parameter_drifts(tmp_path):
    source = CASES / "solvers" / "sgd_shared.npz"
    with np.load(source) as stored:
        arrays = {key: stored[key] for key in stored.files}
    shutil.copytree(source.with_suffix(".files"), tmp_path / "sgd_shared.files")
    key = next(key for key in arrays if key.startswith("param:7:"))
    arrays[key] = arrays[key] * 1.01
    np.savez(tmp_path / "sgd_shared.npz", **arrays)
    result = run_case(only_case(tmp_path))
    if result.status is Status.SKIPPED:
        pytest.skip(result.problems[0])
    assert f"step 7, {key.replace(':7:', ':')}: max error" in result.problems[0]
    assert len(result.problems) == 3  # of the run, and of those from both snapshots


class TestComparison:
    def problems(self, found, expected, kind="out", **others):
        comparison = Comparison()
        names = {"x": np.float32(expected), **others}
        comparison.arrays(kind, {"x": np.float32(found), **others}, names)
        return comparison.problems

    def test_small_errors_pass_and_larger_ones_do_not(self):
        assert self.problems([1.00009, 0], [1, 0]) == []
        assert len(self.problems([1.002, 0], [1, 0])) == 1

    def test_one_bad_element_passes_if_the_norm_is_fine(self):
        reference = np.ones(1000)
        found = reference.copy()
        found[3] += 0.02
        assert self.problems(found, reference) == []
        found[3] += 0.02
        assert len(self.problems(found, reference)) == 1

    def test_not_a_number_is_an_error(self):
        (problem,) = self.problems([np.nan, 0], [1, 0])
        assert "max error nan" in problem

    def test_rounding_is_measured_against_arrays_of_the_same_kind(self):
        assert self.problems([3e-7, 0], [0, 0], y=np.ones(1)) == []
        assert len(self.problems([3e-7, 0], [0, 0])) == 1
        assert len(self.problems([3e-5, 0], [0, 0], y=np.ones(1))) == 1

    def test_levels_are_for_resized_images(self):
        comparison = Comparison(levels=2)
        comparison.array("out:data", np.float32([12, 0]), np.float32([10, 0]))
        comparison.array("out:data", np.float32([13, 0]), np.float32([10, 0]))
        assert len(comparison.problems) == 1
