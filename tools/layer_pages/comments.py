"""The comments of caffe.proto, which say what each message and field means."""

from __future__ import annotations

import functools
import re

from tools.layer_pages.tree import ROOT

_FILE = ROOT / "caffe_core" / "proto" / "caffe.proto"
_MESSAGE = re.compile(r"message (\w+)")
_MEMBER = re.compile(r"(?:enum|(?:optional|required|repeated) \S+) (\w+)")


def of_message(message: str) -> str:
    """Return what stands above a message; empty if nothing does."""
    return _comments().get(message, "")


def of_field(message: str, field: str, enum: str = "") -> str:
    """Return what stands above a field or, if nothing does, above the enum of its values."""
    said = _comments()
    return said.get(f"{message}.{field}") or said.get(f"{message}.{enum}", "")


@functools.cache
def _comments() -> dict[str, str]:
    """Comments by ``Message`` and ``Message.member``."""
    found: dict[str, str] = {}
    message, lines = "", list[str]()
    for line in map(str.strip, _FILE.read_text().splitlines()):
        if line.startswith("//"):
            lines.append(line.removeprefix("//").strip())
            continue
        if opened := _MESSAGE.match(line):
            message = opened[1]
            found[message] = " ".join(lines)
        elif member := _MEMBER.match(line):
            found[f"{message}.{member[1]}"] = " ".join(lines)
        lines.clear()
    return found
