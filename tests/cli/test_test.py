from __future__ import annotations

import re

import pytest


@pytest.fixture
def weights(caffe, workdir):
    caffe("train", "-solver", "solver.prototxt")
    return "tiny_iter_40.caffemodel"


def test_the_lines_of_a_test(caffe, weights):
    result = caffe("test", "-model", "net.prototxt", "-weights", weights, "-iterations", "3")
    assert result.status == 0
    start = result.messages.index("Running for 3 iterations.")
    number = r"[\d.e+-]+"
    patterns = [
        *(f"Batch {i}, {name} = {number}" for i in range(3) for name in ("accuracy", "loss")),
        f"Loss: {number}",
        f"accuracy = {number}",
        rf"loss = {number} \(\* 1 = {number} loss\)",
    ]
    lines = result.messages[start + 1 :]
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line)


def test_the_means_are_those_of_the_batches(caffe, weights):
    text = caffe("test", "-model=net.prototxt", "-weights", weights, "-iterations=4").log
    for name in ("accuracy", "loss"):
        batches = [float(value) for value in re.findall(rf"Batch \d+, {name} = (\S+)", text)]
        assert len(batches) == 4
        (mean,) = re.findall(rf"\] {name} = (\S+)", text)
        assert float(mean) == pytest.approx(sum(batches) / 4, rel=1e-4)


def test_fifty_iterations_unless_told_otherwise(caffe, weights):
    result = caffe("test", "-model", "net.prototxt", "-weights", weights)
    assert "Running for 50 iterations." in result.messages


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "Need a model definition to score. Give -model FILE."),
        (["-model", "net.prototxt"], "Need model weights to score. Give -weights FILE."),
    ],
)
def test_what_is_needed(caffe, workdir, argv, message):
    result = caffe("test", *argv)
    assert (result.status, result.messages) == (1, [message])


@pytest.mark.parametrize("number", ["0", "-3", "many", "1.5"])
def test_iterations_must_be_positive(caffe, workdir, number):
    result = caffe("test", "-model=net.prototxt", "-weights=w", f"-iterations={number}")
    assert result.status == 2
    assert f"iterations: must be a whole number of at least 1, not {number}" in result.log


def test_stages_and_level_choose_layers(caffe, weights, workdir):
    text = (workdir / "net.prototxt").read_text()
    text = text.replace("include { phase: TEST }", 'include { stage: "score" min_level: 2 }')
    (workdir / "staged.prototxt").write_text(text)
    flags = ("test", "-model", "staged.prototxt", "-weights", weights, "-iterations", "1")
    assert "Batch 0, accuracy" not in caffe(*flags).log
    assert "Batch 0, accuracy" in caffe(*flags, "-stage", "score,other", "-level", "2").log
