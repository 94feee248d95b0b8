from __future__ import annotations

import pytest

from caffe_core.hooks import hookimpl, manager


class Listener:
    """Adds a flag to ``caffe plan`` and notes what it is told."""

    def __init__(self):
        self.started = []

    @hookimpl
    def on_command_line(self, command, parser):
        if command == "plan":
            parser.add_argument("--colour", default="grey")

    @hookimpl
    def on_command_start(self, command, args):
        self.started.append((command, getattr(args, "colour", None)))
        manager().register(Visitor(), "visitor")


class Visitor:
    pass


@pytest.fixture
def listener():
    listener = Listener()
    manager().register(listener)
    yield listener
    manager().unregister(listener)


def test_a_plugin_may_add_a_flag(caffe, listener, workdir):
    assert caffe("plan", "net.prototxt", "-colour=green").status == 0
    assert caffe("plan", "net.prototxt").status == 0
    assert listener.started == [("plan", "green"), ("plan", "grey")]


def test_a_flag_is_added_to_the_commands_meant_only(caffe, listener):
    result = caffe("device_query", "-colour=green")
    assert result.status == 2
    assert "unknown flag '-colour=green'" in result.log
    assert listener.started == []


def test_the_help_shows_it(caffe, listener):
    assert "--colour COLOUR" in caffe("plan", "--help").out


@pytest.mark.parametrize("argv", [["plan", "net.prototxt"], ["plan", "missing.prototxt"]])
def test_who_registers_for_a_command_leaves_with_it(caffe, listener, workdir, argv):
    caffe(*argv)
    assert len(listener.started) == 1
    assert not manager().has_plugin("visitor")
