"""Net and solver definitions from files, and files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from google.protobuf.message import Message

from caffe_core.errors import CaffeError, ParseError, did_you_mean
from caffe_core.proto import caffe_pb2, text
from caffe_core.proto.upgrade import set_snapshot_prefix, upgrade_net, upgrade_solver

_FIELD = re.compile(r"\s*[a-z]\w+\s*:")  # how prototxt begins; a drive has one letter


def load_net(source: Any) -> Any:
    """Return a net definition, upgraded to the current schema.

    Args:
        source: A path, prototxt, or a ``NetParameter``, which is copied. A string is a path
            unless it has a brace or a line end, or begins as ``name: ...`` and is no file.

    Raises:
        ParseError: The file is missing or is no net definition.
    """
    net, where = _load(source, caffe_pb2.NetParameter)
    with errors_in(where):
        upgrade_net(net, where)
    return net


def load_solver(source: Any) -> Any:
    """Return a solver definition, upgraded to the current schema.

    Args:
        source: A path, prototxt, or a ``SolverParameter``, which is copied. A string is a path
            unless it has a brace or a line end, or begins as ``net: ...`` and is no file.
            Snapshots are named after the file if the definition does not name them.

    Raises:
        ParseError: The file is missing or is no solver definition.
    """
    solver, where = _load(source, caffe_pb2.SolverParameter)
    with errors_in(where):
        upgrade_solver(solver, where)
    if _is_path(source):
        set_snapshot_prefix(solver, where)
    return solver


def _load(source: Any, message_type: Any) -> tuple[Any, str]:
    """Return the message, and what to call its source."""
    if isinstance(source, Message):
        return _copy(source, message_type), f"<{message_type.DESCRIPTOR.name}>"
    if not _is_path(source):
        return text.parse(source, message_type), "<string>"
    where = os.fspath(source)
    return text.parse(read_text(source), message_type, where), where


def _is_path(source: Any) -> bool:
    if isinstance(source, str):
        if "{" in source or "\n" in source:
            return False
        return _FIELD.match(source) is None or os.path.exists(source)
    return not isinstance(source, Message)


def _copy(message: Message, message_type: Any) -> Any:
    """Also takes the message of another ``caffe_pb2``, such as another library's."""
    expected, found = message_type.DESCRIPTOR.full_name, message.DESCRIPTOR.full_name
    if found != expected:
        raise ParseError(f"expected a {expected} message, found {found}")
    return message_type.FromString(message.SerializePartialToString())


@contextlib.contextmanager
def errors_in(where: str) -> Iterator[None]:
    """Put `where` in front of any `ParseError`."""
    try:
        yield
    except ParseError as error:
        raise ParseError(f"{where}: {error}") from error


def read_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a prototxt file.

    Raises:
        ParseError: The file is missing, not readable, or not text.
    """
    content = read_bytes(path)
    if b"\0" in content:
        raise ParseError(
            f"{os.fspath(path)}: expected prototxt, found binary data. "
            "A .caffemodel is given as weights, a .solverstate as a snapshot."
        )
    return content.decode("utf-8-sig", errors="surrogateescape")


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a file.

    Raises:
        ParseError: The file is missing or not readable. Names similar files next to it.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise cannot_read(path, error) from error


def cannot_read(path: str | os.PathLike[str], error: OSError) -> ParseError:
    """Return the error for a file that does not open, to be raised."""
    problem = f"{os.fspath(path)}: cannot be read: {error.strerror or error}."
    folder = Path(path).parent
    if isinstance(error, FileNotFoundError):
        if not folder.is_dir():
            return ParseError(f"{problem} There is no directory {str(folder)!r}.")
        with contextlib.suppress(OSError):
            problem += did_you_mean(Path(path).name, os.listdir(folder))
    return ParseError(problem)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` when the block ends without an error.

    After an error, a crash or Ctrl-C the old file, if any, is as it was.

    Raises:
        CaffeError: The file cannot be written: no such directory, no permission, a full disk.
    """
    target = Path(os.path.realpath(path))
    try:
        with _open_beside(target) as file:
            yield file
    except OSError as error:
        hint = "" if target.parent.is_dir() else f" Create the directory {str(target.parent)!r}."
        problem = f"cannot be written: {error.strerror or error}.{hint}"
        raise CaffeError(f"{os.fspath(path)}: {problem}") from error


@contextlib.contextmanager
def _open_beside(target: Path) -> Iterator[BinaryIO]:
    if target.exists() and not target.is_file():  # a device or pipe cannot be replaced
        with target.open("wb") as device:
            yield device
        return
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb+") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
