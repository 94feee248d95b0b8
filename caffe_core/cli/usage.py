"""What ``caffe`` prints without a command."""

from __future__ import annotations

from caffe_core import registry
from caffe_core.errors import PluginError

_FIRST = ("train", "test", "device_query", "time")


def usage() -> str:
    """Return the usage, with a line for each command; one that does not import is marked."""
    names = registry.commands.names()
    names.sort(key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    width = max(15, *map(len, names)) if names else 0
    return "\n".join(
        [
            "caffe: command line brew",
            "usage: caffe <command> <args>",
            "",
            "commands:",
            *(f"  {name:<{width}} {_summary(name)}" for name in names),
            "",
            "`caffe <command> --help` shows the flags of a command, `caffe -version` the version.",
        ]
    )


def _summary(name: str) -> str:
    try:
        return str(registry.commands[name].help)
    except PluginError as error:
        return f"(broken: {error})"
    except AttributeError:
        return "(broken: it has no `help`)"
