"""The ``caffe`` command. Each of its actions is the object of a ``caffe.commands`` entry point.

Such an object, often a module, has

- ``help``: one line,
- ``add_arguments(parser)``: declares its flags; they may then be spelled as gflags allows,
- ``run(args) -> int``: does the work and returns the exit status,
- ``supplied_by``, if it likes: flags that plugins may add, with the distribution to install.

It must import quickly: ``caffe --help`` imports them all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from caffe_core import log, registry
from caffe_core.cli.failures import report
from caffe_core.cli.gflags import Parser, find_command
from caffe_core.cli.usage import usage
from caffe_core.errors import CaffeError

_CTRL_C = 130
_BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (that of this process by default) and return the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    with log.glog():
        try:
            status = _run(argv)
            sys.stdout.flush()
            return status
        except SystemExit as exit:  # argparse: 0 after --help, 2 after a usage error
            return exit.code if isinstance(exit.code, int) else 1
        except KeyboardInterrupt:
            return _CTRL_C
        except BrokenPipeError:
            _forget_stdout()
            return _BROKEN_PIPE
        except (CaffeError, OSError) as error:
            report(error, traceback=_wants_traceback(argv))
            return 1


def _run(argv: list[str]) -> int:
    position = find_command(argv, registry.commands.names())
    if position is None:
        return _without_command(argv)
    name = argv.pop(position)
    command = registry.commands[name]
    parser = Parser(
        prog=f"caffe {name}",
        description=command.help,
        supplied_by=getattr(command, "supplied_by", {}),
    )
    command.add_arguments(parser)
    parser.add_argument("--traceback", action="store_true", help="show the traceback of an error")
    log.add_arguments(parser)

    with _listeners() as hook:
        hook.on_command_line(command=name, parser=parser)
        args = parser.parse_flags(argv)
        log.configure(args)
        hook.on_command_start(command=name, args=args)
        log.forward_to(hook.on_log)
        return int(command.run(args) or 0)


@contextmanager
def _listeners() -> Iterator[Any]:
    """Give the hooks; what is registered meanwhile listens to this command only."""
    from caffe_core.hooks import manager

    plugins = manager()
    before = plugins.get_plugins()
    try:
        yield plugins.hook
    finally:
        for added in plugins.get_plugins() - before:
            plugins.unregister(added)


def _without_command(argv: list[str]) -> int:
    parser = Parser(prog="caffe", add_help=False)
    parser.add_argument("--version", action="store_true")
    for spelling in ("--help", "-h", "--helpshort", "--traceback"):
        parser.add_argument(spelling, action="store_true")
    if parser.parse_flags(argv).version:
        from caffe_core import __version__

        print(f"caffe version {__version__}")
    else:
        print(usage())
    return 0


def _wants_traceback(argv: list[str]) -> bool:
    asked = os.environ.get("CAFFE_TRACEBACK", "") not in ("", "0")
    return asked or any(token.lstrip("-") == "traceback" for token in argv)


def _forget_stdout() -> None:
    """Let the flush at exit go nowhere, since the reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
