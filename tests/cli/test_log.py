from __future__ import annotations

import argparse
import logging
import re
import sys
import threading

import pytest

from caffe_core import hooks, log
from caffe_core.cli.gflags import Parser

PREFIX = re.compile(r"([IWEF])(\d{4}) (\d{2}:\d{2}:\d{2}\.\d{6}) +(\d+) (\S+):(\d+)\] (.*)", re.S)


@pytest.fixture
def options(monkeypatch):
    """Parse log flags."""
    for name in ("minloglevel", "log_dir", "logtostderr", "alsologtostderr"):
        monkeypatch.delenv(f"GLOG_{name}", raising=False)

    def parse(*argv: str) -> argparse.Namespace:
        parser = Parser(prog="try")
        log.add_arguments(parser)
        return parser.parse_flags(argv)

    return parse


def test_a_line_is_written_as_glog_writes_it(capsys):
    with log.glog():
        log.logger.info("Iteration %d, lr = %g", 100, 0.01)
    severity, date, _, thread, file, line, text = PREFIX.match(capsys.readouterr().err).groups()
    assert (severity, file, text) == ("I", "test_log.py", "Iteration 100, lr = 0.01\n")
    assert int(thread) == threading.get_native_id()
    assert int(line) > 0
    assert 101 <= int(date) <= 1231


def test_time_has_microseconds():
    record = logging.LogRecord("caffe", logging.INFO, "solver.py", 218, "hello", (), None)
    record.created = 0.000042
    assert re.search(r" \d\d:\d\d:00\.000042 ", log.GlogFormatter().format(record))


@pytest.mark.parametrize(
    ("level", "letter"),
    [("debug", "I"), ("info", "I"), ("warning", "W"), ("error", "E"), ("critical", "F")],
)
def test_severities(level, letter):
    number = getattr(logging, level.upper())
    record = logging.LogRecord("caffe", number, "solver.py", 1, "hello", (), None)
    assert log.GlogFormatter().format(record).startswith(letter)


def test_a_message_of_several_lines_has_the_prefix_once(capsys):
    with log.glog():
        log.logger.info("one\n  two\nthree")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("] one")
    assert lines[1:] == ["  two", "three"]


def test_colour_dims_the_prefix_and_marks_warnings():
    formatter = log.GlogFormatter(colour=True)
    plain, loud = (
        formatter.format(logging.LogRecord("caffe", level, "a.py", 1, "hello", (), None))
        for level in (logging.INFO, logging.WARNING)
    )
    assert plain.startswith("\x1b[2mI")
    assert plain.endswith("a.py:1]\x1b[0m hello")
    assert loud.startswith("\x1b[33mW")
    assert loud.endswith("hello\x1b[0m")


def test_the_log_follows_standard_error(capsys, monkeypatch):
    import io

    elsewhere = io.StringIO()
    with log.glog():
        monkeypatch.setattr(sys, "stderr", elsewhere)
        log.logger.info("above the bar")
    assert elsewhere.getvalue().endswith("above the bar\n")


def test_nothing_is_left_behind():
    before = log.logger.handlers[:], log.logger.level
    with log.glog():
        log.logger.addHandler(logging.NullHandler())
    assert (log.logger.handlers, log.logger.level) == before


@pytest.mark.parametrize("source", ["flag", "environment"])
def test_minloglevel(options, capsys, monkeypatch, source):
    if source == "environment":
        monkeypatch.setenv("GLOG_minloglevel", "1")
    with log.glog():
        log.configure(options(*(["-minloglevel", "1"] if source == "flag" else [])))
        log.logger.info("quiet")
        log.logger.warning("loud")
    err = capsys.readouterr().err
    assert "quiet" not in err
    assert "loud" in err


def test_a_wrong_minloglevel_in_the_environment_is_said(options, capsys, monkeypatch):
    monkeypatch.setenv("GLOG_minloglevel", "few")
    with pytest.raises(SystemExit):
        options()
    assert "--minloglevel: invalid int value: 'few'" in capsys.readouterr().err


def test_log_dir_has_the_log_in_a_file(options, tmp_path, capsys):
    folder = tmp_path / "logs"
    with log.glog():
        log.configure(options("-log_dir", str(folder)))
        log.logger.info("Solving LeNet")
    text = (folder / "caffe.INFO").read_text()
    assert text.startswith("Log file created at: ")
    assert PREFIX.match(text.splitlines()[-1])[7] == "Solving LeNet"
    assert "Solving LeNet" in capsys.readouterr().err


def test_logtostderr_writes_no_file(options, tmp_path):
    with log.glog():
        log.configure(options("-log_dir", str(tmp_path / "logs"), "--logtostderr=1"))
    assert not (tmp_path / "logs").exists()


class Listener:
    def __init__(self):
        self.heard = []

    @hooks.hookimpl
    def on_log(self, record):
        self.heard.append(record.getMessage())
        log.logger.info("I heard that")


@pytest.fixture
def listener():
    listener = Listener()
    hooks.manager().register(listener)
    yield listener
    hooks.manager().unregister(listener)


def test_a_listener_hears_every_line_but_its_own(listener, capsys):
    with log.glog():
        log.forward_to(hooks.manager().hook.on_log)
        log.logger.info("one")
        log.logger.info("two")
    assert listener.heard == ["one", "two"]
    assert capsys.readouterr().err.count("I heard that") == 2


def test_nothing_is_forwarded_where_nobody_listens():
    with log.glog():
        before = log.logger.handlers[:]
        log.forward_to(hooks.manager().hook.on_log)
        assert log.logger.handlers == before


def test_a_listener_that_fails_does_not_stop_the_log(capsys, monkeypatch):
    class Broken:
        @hooks.hookimpl
        def on_log(self, record):
            raise ValueError("broken listener")

    broken = Broken()
    hooks.manager().register(broken)
    try:
        with log.glog():
            log.forward_to(hooks.manager().hook.on_log)
            log.logger.info("goes on")
    finally:
        hooks.manager().unregister(broken)
    err = capsys.readouterr().err
    assert "goes on" in err
    assert "broken listener" in err
