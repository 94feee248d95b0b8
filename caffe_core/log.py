"""The log as glog writes it, for the tools that read Caffe's logs."""

from __future__ import annotations

import argparse
import getpass
import logging
import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    StreamHandler = logging.StreamHandler[TextIO]
else:
    StreamHandler = logging.StreamHandler  # takes no [TextIO] before Python 3.11

logger = logging.getLogger("caffe")

_SEVERITIES = [logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL]
_DIM, _YELLOW, _RED, _PLAIN = "\x1b[2m", "\x1b[33m", "\x1b[31m", "\x1b[0m"


class GlogFormatter(logging.Formatter):
    """Severity and date, time, thread and source line before each message.

    Such as ``I1103 09:44:09.480444 28430 solver.py:218] Iteration 0, lr = 0.01``.

    A message of several lines has the prefix once, as with glog.

    Args:
        colour: Dim the prefix and colour warnings and errors, for a terminal.
    """

    def __init__(self, colour: bool = False):
        super().__init__()
        self.colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of one record."""
        prefix, text = self._prefix(record), super().format(record)
        if not self.colour:
            return f"{prefix} {text}"
        if record.levelno < logging.WARNING:
            return f"{_DIM}{prefix}{_PLAIN} {text}"
        shade = _YELLOW if record.levelno < logging.ERROR else _RED
        return f"{shade}{prefix} {text}{_PLAIN}"

    def _prefix(self, record: logging.LogRecord) -> str:
        severity = "IIIWEF"[min(record.levelno // 10, 5)]
        time = datetime.fromtimestamp(record.created).strftime("%m%d %H:%M:%S.%f")
        return f"{severity}{time} {threading.get_native_id():5d} {record.filename}:{record.lineno}]"


class StderrHandler(StreamHandler):
    """Writes to what `sys.stderr` is at the moment: a progress bar may stand in for it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Standard error."""
        return sys.stderr


class HookHandler(logging.Handler):
    """Hands every record to the ``on_log`` hook."""

    def __init__(self, hook: Any):
        super().__init__()
        self.hook = hook
        self.busy = False

    def emit(self, record: logging.LogRecord) -> None:
        """Call the listeners. What they log themselves while they listen is not handed to them."""
        if self.busy:  # only this thread can see it: `handle` holds the lock
            return
        self.busy = True
        try:
            self.hook(record=record)
        except Exception:
            self.handleError(record)
        finally:
            self.busy = False


@contextmanager
def glog() -> Iterator[None]:
    """Write the log to standard error in glog's manner as long as the context lasts."""
    handlers, level = logger.handlers[:], logger.level
    handler = StderrHandler()
    handler.setFormatter(GlogFormatter(_colourful(sys.stderr)))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for added in set(logger.handlers) - set(handlers):
            logger.removeHandler(added)
            added.close()
        logger.setLevel(level)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add glog's flags; the environment (``GLOG_minloglevel`` and so on) gives their defaults."""
    flags = parser.add_argument_group("log flags, as of glog")
    flags.add_argument(
        "--minloglevel",
        type=int,
        choices=range(4),
        metavar="N",
        default=_environment("minloglevel", "0"),
        help="log nothing below: 0 INFO, 1 WARNING, 2 ERROR, 3 FATAL",
    )
    flags.add_argument(
        "--log_dir",
        metavar="DIR",
        default=_environment("log_dir"),
        help="also write the log to a file there",
    )
    for name, text in (
        ("logtostderr", "write no file even with -log_dir"),
        ("alsologtostderr", "accepted: the log always goes to standard error"),
    ):
        on = _environment(name).lower() in ("1", "true", "t", "yes", "y")
        flags.add_argument(f"--{name}", action="store_true", default=on, help=text)


def configure(args: argparse.Namespace) -> None:
    """Obey the flags of `add_arguments`."""
    logger.setLevel(_SEVERITIES[args.minloglevel])
    if args.log_dir and not args.logtostderr:
        logger.addHandler(_file_handler(Path(args.log_dir)))


def forward_to(hook: Any) -> None:
    """Hand the log to the listeners of an ``on_log`` hook, if there are any."""
    if hook.get_hookimpls():
        logger.addHandler(HookHandler(hook))


def _environment(flag: str, default: str = "") -> str:
    return os.environ.get(f"GLOG_{flag}", default)


def _colourful(stream: TextIO) -> bool:
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb" or os.name == "nt"
    return stream.isatty() and not plain


def _file_handler(folder: Path) -> logging.FileHandler:
    """A file named as glog names it, and the link ``caffe.INFO`` to the newest one."""
    now, machine = datetime.now(), platform.node()
    folder.mkdir(parents=True, exist_ok=True)
    name = f"caffe.{machine}.{getpass.getuser()}.log.INFO.{now:%Y%m%d-%H%M%S}.{os.getpid()}"
    (folder / name).write_text(
        f"Log file created at: {now:%Y/%m/%d %H:%M:%S}\nRunning on machine: {machine}\n"
        "Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg\n",
        encoding="utf-8",
    )
    handler = logging.FileHandler(folder / name, encoding="utf-8")
    handler.setFormatter(GlogFormatter())
    _link(folder / "caffe.INFO", name)
    return handler


def _link(link: Path, target: str) -> None:
    """Point `link` at `target`, where the file system knows links."""
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    except OSError as error:
        logger.warning("%s: cannot link to the log file (%s)", link, error)
