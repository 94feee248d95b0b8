"""``caffe upgrade net|solver IN OUT``: write an old definition, or old weights, in the new form."""

from __future__ import annotations

import argparse
import logging
import re
from pathlib import Path
from typing import Any

from caffe_core.errors import CaffeError, ParseError

help = "write an old net or solver in the current format"

logger = logging.getLogger("caffe")

_TEXT = (".prototxt", ".pbtxt", ".txt")
_BINARY = (".caffemodel", ".binaryproto", ".binpb", ".pb", ".bin")
_NEVER_IN_TEXT = re.compile(rb"[\0-\x08\x0e-\x1f]")
_NEVER_OLD = (
    (rb"\x89HDF\r\n\x1a\n", "this is an HDF5 file, which has no old form: use it as it is."),
    (rb"\x08", "this is a .solverstate or a mean file, which has no old form: use it as it is."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("kind", choices=["net", "solver"], help="what the file defines")
    parser.add_argument(
        "source", metavar="IN", help="the old file: prototxt, or binary such as a .caffemodel"
    )
    parser.add_argument(
        "target",
        metavar="OUT",
        help=f"the new file: text if it ends in {', '.join(_TEXT)}, binary if in "
        f"{', '.join(_BINARY)}, else what IN is",
    )


def run(args: argparse.Namespace) -> int:
    """Upgrade the file, log what was old in it, and write it. The status is 1 if a part is lost.

    Raises:
        CaffeError: The file cannot be read or written.
    """
    from caffe_core.proto import caffe_pb2, upgrade
    from caffe_core.proto.files import atomic_write, errors_in, read_bytes

    is_net = args.kind == "net"
    message_type: Any = caffe_pb2.NetParameter if is_net else caffe_pb2.SolverParameter
    content = read_bytes(args.source)
    is_text = not _NEVER_IN_TEXT.search(content)
    as_text = _writes_text(args.target, is_text)
    message = (_from_text if is_text else _from_binary)(content, message_type, args.source)
    with errors_in(args.source):
        change = upgrade.upgrade_net if is_net else upgrade.upgrade_solver
        problems = change(message, args.source)
    if problems is None:
        logger.info("File already in latest proto format: %s", args.source)
    with atomic_write(args.target) as file:
        file.write(_to_text(message) if as_text else message.SerializePartialToString())
    form = "text" if as_text else "binary"
    logger.info("Wrote upgraded %s %s proto to %s", type(message).__name__, form, args.target)
    return 1 if problems else 0


def _writes_text(target: str, otherwise: bool) -> bool:
    suffix = Path(target).suffix.lower()
    if suffix in (".h5", ".hdf5"):
        raise CaffeError(
            f"{target}: HDF5 holds weights without their net; "
            f"give a name that ends in {', '.join((*_TEXT, *_BINARY))}"
        )
    return suffix in _TEXT or (otherwise and suffix not in _BINARY)


def _from_text(content: bytes, message_type: Any, where: str) -> Any:
    from caffe_core.proto import text

    return text.parse(content.decode("utf-8-sig", "surrogateescape"), message_type, where)


def _from_binary(content: bytes, message_type: Any, where: str) -> Any:
    """Return the message in a binary file.

    Raises:
        ParseError: It is cut off, or another message.
    """
    from caffe_core.proto import wire
    from caffe_core.proto.binary import what_it_is
    from caffe_core.proto.plugin_message import unknown_numbers

    name = message_type.DESCRIPTOR.name
    try:
        message = wire.decode(message_type, content, 0)
    except wire.WireError as error:
        problem = what_it_is(memoryview(content), str(error), _NEVER_OLD)
        raise ParseError(f"{where}: {problem}") from error
    numbers = unknown_numbers(message)
    if numbers:
        raise ParseError(
            f"{where}: expected a {name}, found a message with field {min(numbers)}, which that "
            "does not have. A net is upgraded by `caffe upgrade net`, a solver by "
            "`caffe upgrade solver`."
        )
    return message


def _to_text(message: Any) -> bytes:
    from caffe_core.proto import text

    return text.format(message).encode("utf-8", "surrogateescape")
