from __future__ import annotations

import subprocess
import sys

import pytest

from caffe_core import registry
from caffe_core.errors import CaffeError


class Failing:
    help = "fail"

    def __init__(self, error: BaseException):
        self.error = error

    def add_arguments(self, parser):
        pass

    def run(self, args):
        raise self.error


@pytest.fixture
def fails_with():
    yield lambda error: registry.commands.register("fail", Failing(error))
    registry.commands.unregister("fail")


def test_an_unknown_command(caffe):
    result = caffe("trian", "-solver", "a")
    assert result.status == 1
    assert len(result.messages) == 1
    assert "no command 'trian' is installed" in result.messages[0]
    assert "Did you mean 'train'?" in result.messages[0]
    assert result.messages[0].endswith("Try: pip install caffe-trian")


def test_an_error_is_one_line_that_tells_where_it_was_raised(caffe, fails_with):
    fails_with(CaffeError("conv1 (Convolution): no"))
    result = caffe("fail")
    assert result.status == 1
    assert result.log.startswith("E")
    assert " test_failures.py:" in result.log
    assert result.messages == ["conv1 (Convolution): no"]


@pytest.mark.parametrize("by", ["flag", "environment"])
def test_a_traceback_for_those_who_ask(caffe, fails_with, monkeypatch, by):
    fails_with(CaffeError("no"))
    if by == "environment":
        monkeypatch.setenv("CAFFE_TRACEBACK", "1")
    result = caffe("fail", *(["--traceback"] if by == "flag" else []))
    assert result.status == 1
    assert "Traceback (most recent call last):" in result.log
    assert result.log.rstrip().endswith("CaffeError: no")


def test_an_error_of_the_operating_system_is_no_bug(caffe, fails_with):
    fails_with(OSError(28, "No space left on device", "x.caffemodel"))
    result = caffe("fail")
    assert result.status == 1
    assert result.messages == ["[Errno 28] No space left on device: 'x.caffemodel'"]


def test_a_bug_is_not_hidden(caffe, fails_with):
    fails_with(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        caffe("fail")


def test_ctrl_c_is_silent(caffe, fails_with):
    fails_with(KeyboardInterrupt())
    result = caffe("fail")
    assert (result.status, result.out, result.log) == (130, "", "")


def test_a_reader_that_goes_away_is_no_error():
    code = "import sys; from caffe_core.cli import main; sys.exit(main(['plugins', '--json']))"
    writer = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    writer.stdout.close()
    assert writer.stderr.read() == ""
    assert writer.wait(60) == 141
    writer.stderr.close()
