from __future__ import annotations

import pytest

from caffe_core.passes import REQUIRED


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """The kernels that are there whatever other engines are installed."""
    monkeypatch.setenv("CAFFE_ENGINES_CPU", "caffe")


def table(out: str) -> list[list[str]]:
    return [line.split() for line in out.partition("\n\n")[2].splitlines()]


@pytest.mark.parametrize("argv", [["net.prototxt"], ["-model", "net.prototxt"]])
def test_what_each_pass_did(caffe, workdir, argv):
    result = caffe("plan", *argv)
    assert result.status == 0
    passes = [line[:-1] for line in result.out.partition("\n\n")[0].splitlines() if line[-1] == ":"]
    assert passes[: len(REQUIRED)] == list(REQUIRED)
    assert "  relu: caffe on cpu\n" in result.out


def test_the_table_of_layers(caffe, workdir):
    rows = table(caffe("plan", "net.prototxt").out)
    assert [row[0] for row in rows] == ["layer", "data", "ip", "relu", "loss"]
    by_name = {row[0]: row[1:] for row in rows}
    assert by_name["data"][-2:] == ["data(8x4)", "label(8)"]
    assert by_name["ip"] == [
        *("InnerProduct", "InnerProductKernel", "caffe", "cpu", "contiguous", "yes", "ip(8x3)")
    ]
    assert by_name["relu"][-3:] == ["yes", "yes", "ip(8x3)"]


def test_the_phase(caffe, workdir):
    rows = table(caffe("plan", "net.prototxt", "-phase", "TEST").out)
    splits = ["label_data_1_split", "ip_relu_0_split"]
    assert [row[0] for row in rows[1:]] == [
        *("data", splits[0], "ip", "relu", splits[1], "accuracy", "loss")
    ]


def test_the_log_keeps_quiet(caffe, workdir):
    assert caffe("plan", "net.prototxt").log == ""


def test_weights_that_do_not_fit_are_refused(caffe, workdir):
    caffe("train", "-solver", "solver.prototxt", "-max_iter", "1")
    text = (workdir / "net.prototxt").read_text().replace("num_output: 3", "num_output: 4")
    (workdir / "wider.prototxt").write_text(text)
    result = caffe("plan", "wider.prototxt", "-weights", "tiny_iter_1.caffemodel")
    assert result.status == 1
    assert "Cannot copy param 0 weights from layer 'ip'" in result.messages[-1]


def test_a_model_is_needed(caffe):
    result = caffe("plan")
    assert (result.status, result.messages) == (
        1,
        ["Need a model definition to plan. Give -model FILE."],
    )
