"""The whole: what is measured, compared, judged and written."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import machine, report
from benchmarks.__main__ import main
from benchmarks.agreement import difference, tolerance
from benchmarks.contenders import CONTENDERS, PEERS, Contender, Unavailable
from benchmarks.nets import NETS
from benchmarks.pairs import Row
from benchmarks.process import Process
from benchmarks.suite import TARGETS, tasks
from benchmarks.task import Task
from benchmarks.turns import Comparison
from caffe_core.errors import DeviceError

INFERENCE = Task("lenet", training=False, batch=2)


def row(task, peer, ratio):
    return Row(task, peer, Comparison(ratio, 1.0, ratio, ratio, ratio, rounds=1, clean=1))


def bench(folder, peers, parts="inference"):
    """Measure LeNet quickly; return what was written."""
    path = folder / "results.json"
    main(f"--nets lenet --batch 2 --quick --peers {peers} --parts {parts} --json {path}".split())
    return json.loads(path.read_text())


def test_it_runs_without_peers(tmp_path, capsys):
    found = bench(tmp_path, "none", "training,inference")
    assert [each["task"]["training"] for each in found["tasks"]] == [True, False]
    for each in found["tasks"]:
        assert each["comparison"]["ours"] > 0
        assert each["peak"][0] > 0
    assert found["machine"]["cores"] > 0
    assert "lenet training, batch 2" in capsys.readouterr().out


def test_it_compares_with_a_peer(tmp_path):
    (found,) = bench(tmp_path, "caffe-numpy")["tasks"]
    assert found["peer"] == "caffe-numpy"
    assert found["difference"] < 1e-4
    assert found["comparison"]["ratio"] > 0


def test_peers_that_are_missing_are_left_out(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(PEERS, "torch", Contender("pytorch", ("no_such_module",)))
    (found,) = bench(tmp_path, "torch")["tasks"]
    assert found["peer"] == ""
    assert "torch is left out: no_such_module not installed" in capsys.readouterr().out


def test_a_contender_that_fails_says_why(tmp_path):
    with pytest.raises(Unavailable, match="No such file"):
        Process("caffe", INFERENCE, tmp_path / "no folder" / "net.caffemodel", threads=1)


def test_nonsense_on_the_command_line_is_named(capsys):
    with pytest.raises(SystemExit):
        main(["--nets", "lenet,lenett"])
    assert "'lenett' is not one of lenet, " in capsys.readouterr().err


def test_probabilities_differ_by_their_scores():
    scores = np.array([[1.0, 2.0, 4.0]])
    ours = {"prob": np.exp(scores) / np.exp(scores).sum()}
    assert difference(ours, {"prob": 7 * ours["prob"]}, INFERENCE) < 1e-12
    other = np.exp([[1.0, 2.0, 4.1]])
    assert difference(ours, {"prob": other / other.sum()}, INFERENCE) > tolerance(INFERENCE, "f32")


def test_the_blob_that_is_farthest_off_counts():
    training = Task("lenet", training=True, batch=2)
    ours = {"a[0]": np.ones(4), "a[1]": np.full(4, 1.5)}
    theirs = {"a[0]": np.ones((2, 2)), "a[1]": np.ones(4)}
    assert difference(ours, theirs, training) == pytest.approx(0.5)


def test_one_that_is_not_a_number_differs():
    training = Task("lenet", training=True, batch=2)
    ours = {"a[0]": np.ones(4), "a[1]": np.full(4, np.nan)}
    apart = difference(ours, {"a[0]": np.ones(4), "a[1]": np.ones(4)}, training)
    assert not apart <= tolerance(training, "f32")


def test_results_of_one_side_only_are_an_error():
    with pytest.raises(ValueError, match="prob"):
        difference({"prob": np.ones(1)}, {}, INFERENCE)


def test_every_target_is_measured_unless_told_otherwise():
    kinds = ("training", "inference")
    measured = [*tasks(NETS, kinds), *tasks(NETS, kinds, device="cuda")]
    for target in TARGETS:
        assert target.task in measured
        assert target.peers
        assert all(PEERS[peer].does(target.task) for peer in target.peers)


def test_without_a_gpu_a_task_for_one_is_refused_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "cupy", _no_cupy)
    monkeypatch.setattr(machine, "find_device", _no_cupy)
    with pytest.raises(SystemExit, match="no GPU here"):
        main(["--device", "cuda", "--quick", "--json", str(tmp_path / "results.json")])


def _no_cupy(*_):
    raise DeviceError("no GPU here")


def test_ours_runs_on_a_device(tmp_path):
    results = {}
    for device in ("cpu", "emulated"):
        for training in (False, True):
            task = Task("lenet", training, batch=2, device=device)
            runner = CONTENDERS["caffe"].prepare(task, tmp_path / "net.caffemodel", threads=1)
            runner.run()
            runner.wait()
            results[device, training] = runner.results()
    for training in (False, True):
        task = Task("lenet", training, batch=2)
        apart = difference(results["cpu", training], results["emulated", training], task)
        assert apart < tolerance(task, "f32")


def test_the_fastest_peer_decides():
    task = Task("lenet", training=True, batch=64)
    rows = [row(task, "torch", 0.5), row(task, "torch-nhwc", 0.8), row(task, "caffe-numpy", 2.0)]
    (line,) = report.targets(rows, None)
    assert " ".join(line.split()) == (
        "lenet training, batch 64 torch-nhwc 0.800 at most 0.70 missed"
    )
    (line,) = report.targets(rows[:1], None)
    assert line.endswith("reached")


def test_what_was_not_measured_is_not_judged():
    assert report.targets([Row(TARGETS[0].task, "torch", word="not installed")], None) == []
    assert "not installed" in report.line(Row(TARGETS[0].task, "torch", word="not installed"))


def test_a_line_says_whether_it_was_disturbed():
    calm = row(INFERENCE, "torch", 0.5)
    assert "disturbed" not in report.line(calm)
    noisy = Comparison(1.0, 2.0, 0.5, 0.5, 0.5, rounds=4, clean=1)
    assert report.line(Row(INFERENCE, "torch", noisy)).endswith("disturbed")
