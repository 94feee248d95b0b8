from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time

import pytest

pytest.importorskip("rich")
pty = pytest.importorskip("pty")

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


def on_terminal(*argv: object, columns: int = 110, term: str = "xterm") -> tuple[int, str]:
    """Run the command line on a terminal; return its status and all it wrote there."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "caffe_core.cli", *map(str, argv)],
        env={**os.environ, "TERM": term, "COLUMNS": str(columns), "LINES": "40"},
        stdout=theirs,
        stderr=theirs,
        stdin=subprocess.DEVNULL,
    )
    os.close(theirs)
    written, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([ours], [], [], 1)[0]:
            continue
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not chunk:
            break
        written += chunk
    os.close(ours)
    return child.wait(10), written.decode()


@pytest.fixture
def longer(workdir):
    text = (workdir / "solver.prototxt").read_text()
    path = workdir / "longer.prototxt"
    path.write_text(
        text.replace("max_iter: 40", "max_iter: 4000").replace("display: 10", "display: 1000")
    )
    return path


def test_training_shows_a_bar(longer):
    status, text = on_terminal("train", "-solver", longer, "-seed", "1")
    plain = ESCAPE.sub("", text)
    assert status == 0
    assert re.search(r"tiny .*4000/4000 loss \S+ lr 0\.00\d+ \S+ it/s 0:00:00", plain)
    assert HIDE_CURSOR in text
    assert text.rindex(SHOW_CURSOR) > text.rindex(HIDE_CURSOR)


def test_log_lines_stay_whole_above_the_bar(longer):
    _, text = on_terminal("train", "-solver", longer, columns=150)
    lines = [line.strip() for line in re.split(r"[\r\n]+", ESCAPE.sub("", text))]
    for words in (r"Iteration 1000, lr = \S+", r"Test net output #0: accuracy = \S+"):
        assert any(
            re.fullmatch(rf"I\d{{4}} \S+ +\d+ solver\.py:\d+\] +{words}", line) for line in lines
        )


def test_testing_shows_a_bar(caffe, workdir):
    caffe("train", "-solver", "solver.prototxt")
    argv = ("test", "-model", "net.prototxt", "-weights", "tiny_iter_40.caffemodel")
    status, text = on_terminal(*argv, "-iterations", "30")
    assert status == 0
    assert re.search(r"testing .*30/30", ESCAPE.sub("", text))
    assert text.rindex(SHOW_CURSOR) > text.rindex(HIDE_CURSOR)


def test_an_error_gives_the_cursor_back(workdir):
    text = (workdir / "solver.prototxt").read_text().replace("base_lr: 0.1", "base_lr: 1e38")
    (workdir / "wild.prototxt").write_text(text)
    status, text = on_terminal("train", "-solver", "wild.prototxt")
    assert status == 1
    assert text.rindex(SHOW_CURSOR) > text.rindex(HIDE_CURSOR)


def test_a_dumb_terminal_gets_the_log_alone(longer):
    status, text = on_terminal("train", "-solver", longer, term="dumb")
    assert status == 0
    assert "\x1b" not in text
    assert "it/s" not in text


def test_a_file_gets_the_log_alone(caffe, workdir):
    result = caffe("train", "-solver", "solver.prototxt")
    assert "it/s" not in result.log
    assert "\x1b" not in result.log


def test_the_table_of_plugins_fits_the_terminal():
    status, text = on_terminal("plugins", "--group", "layers", columns=100)
    lines = ESCAPE.sub("", text).splitlines()
    assert status == 0
    assert any(line.split()[:2] == ["layers", "ReLU"] for line in lines)
    assert max(map(len, lines)) <= 100
    assert "\x1b[1m" in text
