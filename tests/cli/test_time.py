from __future__ import annotations

import re

import pytest

LAYERS = ["data", "ip", "relu", "loss"]
MS = r"[\d.e+-]+ ms\."


def test_the_lines_of_a_benchmark(caffe, workdir):
    result = caffe("time", "-model", "net.prototxt", "-iterations", "2")
    assert result.status == 0
    lines = result.messages[result.messages.index("Performing Forward") :]
    patterns = [
        "Performing Forward",
        r"Initial loss: [\d.e+-]+",
        "Performing Backward",
        r"\*\*\* Benchmark begins \*\*\*",
        r"Testing for 2 iterations\.",
        rf"Iteration: 1 forward-backward time: {MS}",
        rf"Iteration: 2 forward-backward time: {MS}",
        "Average time per layer: ",
        *(f"{name:>10}\t{way}: {MS}" for name in LAYERS for way in ("forward", "backward")),
        f"Average Forward pass: {MS}",
        f"Average Backward pass: {MS}",
        f"Average Forward-Backward: {MS}",
        f"Total Time: {MS}",
        r"\*\*\* Benchmark ends \*\*\*",
    ]
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line)


def test_the_parts_add_up(caffe, workdir):
    log = caffe("time", "-model", "net.prototxt", "-iterations", "5").log

    def figure(pattern: str) -> float:
        return sum(float(value) for value in re.findall(pattern + r": (\S+) ms", log))

    assert figure("\tforward") == pytest.approx(figure("Average Forward pass"), rel=1e-3)
    assert figure("\tbackward") == pytest.approx(figure("Average Backward pass"), rel=1e-3)
    whole = figure("Average Forward-Backward")
    assert figure("Average Forward pass") + figure("Average Backward pass") <= whole
    assert figure("Total Time") == pytest.approx(5 * whole, rel=1e-3)


@pytest.mark.parametrize(("phase", "layers"), [("TRAIN", 4), ("TEST", 6)])
def test_phase(caffe, workdir, phase, layers):
    log = caffe("time", "-model=net.prototxt", "-iterations=1", "-phase", phase).log
    assert log.count("\tforward:") >= layers
    assert ("accuracy\tforward" in log) is (phase == "TEST")


def test_a_phase_that_does_not_exist(caffe, workdir):
    result = caffe("time", "-model=net.prototxt", "-phase=SLEEP")
    assert result.status == 2
    assert "argument --phase: invalid choice: 'SLEEP'" in result.log


def test_the_data_alone(caffe, workdir):
    result = caffe("time", "-model=net.prototxt", "-iterations=3", "--data")
    assert result.status == 0
    assert re.fullmatch(r"      data\t\S+ ms\. a batch, \S+ images/s", result.messages[-1])
    assert "Benchmark" not in result.log


def test_a_net_without_data(caffe, workdir):
    (workdir / "none.prototxt").write_text('name: "none"')
    result = caffe("time", "-model=none.prototxt", "--data")
    assert result.status == 1
    assert result.messages[-1] == "net 'none' has no data layer to time in this phase"


def test_a_model_is_needed(caffe):
    result = caffe("time")
    assert (result.status, result.messages) == (
        1,
        ["Need a model definition to time. Give -model FILE."],
    )
