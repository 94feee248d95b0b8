from __future__ import annotations

import re

import pytest

from caffe_core import solver_nets

# What parse_log.py and DIGITS look for in Caffe's logs.
ITERATION = re.compile(r"Iteration (\d+)")
RATE = re.compile(r"lr = ([-+]?[0-9]*\.?[0-9]+([eE]?[-+]?[0-9]+)?)")
OUTPUT = r" net output #(\d+): (\S+) = ([\.\deE+-]+)"
LINE = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ [\w.]+:\d+\] ")


def parse_log(text: str) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Read a training log the way parse_log.py does: rows of training and of testing."""
    iteration, rows = -1, {"Train": {}, "Test": {}}
    for line in text.splitlines():
        if found := ITERATION.search(line):
            iteration = int(found[1])
        for kind, table in rows.items():
            if found := re.search(kind + OUTPUT, line):
                table.setdefault(iteration, {"NumIters": iteration})[found[2]] = float(found[3])
    return list(rows["Train"].values()), list(rows["Test"].values())


def test_the_log_can_be_read_as_caffe_s(caffe, workdir):
    result = caffe("train", "-solver", "solver.prototxt")
    assert result.status == 0
    train, test = parse_log(result.log)
    assert [row["NumIters"] for row in train] == [0, 10, 20, 30]
    assert [row["NumIters"] for row in test] == [0, 20, 40]
    assert all(set(row) == {"NumIters", "accuracy", "loss"} for row in test)
    assert test[-1]["loss"] < test[0]["loss"]
    rates = [float(found[1]) for found in RATE.finditer(result.log)]
    assert rates == pytest.approx(
        [0.1 * (1 + 0.01 * i) ** -0.75 for i in (0, 10, 20, 30)], rel=1e-5
    )


def test_the_words_of_a_whole_run(caffe, workdir):
    messages = caffe("train", "-solver", "solver.prototxt").messages
    expected = [
        r"Use CPU\.",
        r"Creating training net from net file: net\.prototxt",
        r"Creating Layer ip",
        r"ip <- data",
        r"ip -> ip",
        r"Setting up ip",
        r"Top shape: 8 3 \(24\)",
        r"ip needs backward computation\.",
        r"This network produces output loss",
        r"Network initialization done\.",
        r"Solver scaffolding done\.",
        r"Starting Optimization",
        r"Solving tiny",
        r"Learning Rate Policy: inv",
        r"Iteration 0, Testing net \(#0\)",
        r"    Test net output #0: accuracy = [\d.e-]+",
        r"    Test net output #1: loss = [\d.e-]+ \(\* 1 = [\d.e-]+ loss\)",
        r"Iteration 0 \([\d.e+-]+ iter/s, [\d.e+-]+s/10 iters\), loss = [\d.e-]+",
        r"    Train net output #0: loss = [\d.e-]+ \(\* 1 = [\d.e-]+ loss\)",
        r"Iteration 0, lr = 0\.1",
        r"Snapshotting to binary proto file tiny_iter_40\.caffemodel",
        r"Snapshotting solver state to binary proto file tiny_iter_40\.solverstate",
        r"Iteration 40, loss = [\d.e-]+",
        r"Iteration 40, Testing net \(#0\)",
        r"Optimization Done\.",
        r"Optimization Done\.",
    ]
    position = 0
    for pattern in expected:
        matches = [i for i in range(position, len(messages)) if re.fullmatch(pattern, messages[i])]
        assert matches, f"{pattern!r} does not follow {messages[position - 1]!r}"
        position = matches[0] + 1


def test_every_message_begins_as_glog_lines_do(caffe, workdir):
    log = caffe("train", "-solver", "solver.prototxt").log
    lines = log.splitlines()
    definition = next(i for i, line in enumerate(lines) if line.endswith("from parameters: "))
    end = next(i for i in range(definition + 1, len(lines)) if LINE.match(lines[i]))
    for line in lines[:definition] + lines[end:]:
        assert LINE.match(line), line


def test_flags_may_come_before_the_command_and_with_one_dash(caffe, workdir):
    result = caffe("-solver=solver.prototxt", "--max-iter", "3", "train")
    assert result.status == 0
    assert (workdir / "tiny_iter_3.caffemodel").exists()


def losses(text: str) -> list[float]:
    return [row["loss"] for row in parse_log(text)[0]]


def test_a_resumed_run_goes_on_as_if_never_stopped(caffe, workdir):
    whole = caffe("train", "-solver", "solver.prototxt")
    caffe("train", "-solver", "solver.prototxt", "-max_iter", "20")
    resumed = caffe("train", "-solver", "solver.prototxt", "-snapshot", "tiny_iter_20.solverstate")
    assert resumed.status == 0
    assert "Resuming from tiny_iter_20.solverstate" in resumed.messages
    assert losses(resumed.log) == losses(whole.log)[2:]


def test_finetuning_starts_from_the_weights_given(caffe, workdir):
    caffe("train", "-solver", "solver.prototxt")
    trained = caffe("train", "-solver", "solver.prototxt", "-weights", "tiny_iter_40.caffemodel")
    assert "Finetuning from tiny_iter_40.caffemodel" in trained.messages
    first = parse_log(trained.log)[1][0]["loss"]
    assert first < parse_log(caffe("train", "-solver", "solver.prototxt").log)[1][0]["loss"]


def test_a_solver_is_needed(caffe, workdir):
    result = caffe("train")
    assert (result.status, result.messages) == (
        1,
        ["Need a solver definition to train. Give -solver FILE."],
    )


def test_a_snapshot_and_weights_exclude_each_other(caffe, workdir):
    result = caffe("train", "-solver=solver.prototxt", "-snapshot=a", "-weights=b")
    assert result.status == 1
    assert result.messages[0].startswith(
        "Give a snapshot to resume training or weights to finetune but not both."
    )


def test_a_missing_file_is_one_clean_line(caffe, workdir):
    result = caffe("train", "-solver", "solver.prototext")
    assert result.status == 1
    assert len(result.messages) == 1
    assert "solver.prototext: cannot be read" in result.messages[0]
    assert "Did you mean 'solver.prototxt'" in result.messages[0]


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr("caffe_core.cuda.device_count", lambda: 0)
    monkeypatch.setattr(solver_nets, "device_count", lambda: 0)


def test_a_solver_for_a_gpu_trains_on_the_cpu_with_a_warning(caffe, workdir, no_gpu):
    text = (workdir / "solver.prototxt").read_text().replace("CPU", "GPU")
    (workdir / "solver.prototxt").write_text(text)
    result = caffe("train", "-solver", "solver.prototxt", "-max_iter", "1")
    assert result.status == 0
    assert result.log.startswith("W")
    assert "solver_mode is GPU, but there is no CUDA device 0" in result.messages[0]
    assert result.messages[1] == "Use CPU."


def test_a_solver_that_says_nothing_trains_on_the_cpu_without_one(caffe, workdir, no_gpu):
    text = (workdir / "solver.prototxt").read_text().replace("solver_mode: CPU", "")
    (workdir / "solver.prototxt").write_text(text)
    result = caffe("train", "-solver", "solver.prototxt", "-max_iter", "1")
    assert (result.status, result.messages[0]) == (0, "Use CPU.")


@pytest.mark.parametrize("flag", ["0", "all"])
def test_a_gpu_that_is_asked_for_must_be_there(caffe, workdir, no_gpu, flag):
    result = caffe("train", "-solver", "solver.prototxt", "-gpu", flag)
    assert result.status == 1
    assert re.search("CuPy|no CUDA device|does not exist", result.messages[-1])


def test_minus_one_is_the_cpu(caffe, workdir):
    result = caffe("train", "-solver", "solver.prototxt", "-gpu", "-1", "-max_iter", "1")
    assert (result.status, result.messages[0]) == (0, "Use CPU.")


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("first", "-gpu first: expected numbers such as 0 or 0,1, or all"),
        ("0,1", "-gpu 0,1: training on several GPUs at once is not supported; give one of them"),
    ],
)
def test_wrong_gpus(caffe, workdir, flag, message):
    result = caffe("train", "-solver", "solver.prototxt", "-gpu", flag)
    assert (result.status, result.messages) == (1, [message])


def test_the_same_seed_gives_the_same_run(caffe, workdir):
    runs = [
        losses(caffe("train", "-solver", "solver.prototxt", "-seed", seed).log)
        for seed in (5, 5, 6)
    ]
    assert runs[0] == runs[1] != runs[2]


DIVERGING = """
net_param {
  layer { name: "data" type: "DummyData" top: "x"
    dummy_data_param { shape { dim: 2 dim: 2 } data_filler { type: "constant" value: 1e30 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" loss_weight: 1
    inner_product_param { num_output: 1 weight_filler { type: "constant" value: 1e30 } } }
}
base_lr: 1 lr_policy: "fixed" max_iter: 2 snapshot_prefix: "nan" solver_mode: CPU
"""


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_loss_that_is_not_finite_stops_training(caffe, workdir):
    (workdir / "nan.prototxt").write_text(DIVERGING)
    result = caffe("train", "-solver", "nan.prototxt")
    assert result.status == 1
    assert "iteration 0: the loss is inf" in result.messages[-1]
    assert "blob 'y', made by ip (InnerProduct)" in result.messages[-1]
    assert not (workdir / "nan_iter_2.caffemodel").exists()


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")
def test_unless_told_to_go_on(caffe, workdir):
    (workdir / "nan.prototxt").write_text(DIVERGING)
    assert caffe("train", "-solver", "nan.prototxt", "--on-nan", "continue").status == 0
    assert (workdir / "nan_iter_2.caffemodel").exists()
