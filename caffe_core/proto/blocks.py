"""Where in a prototxt blocks begin and end, as far as that can be told of a text with mistakes."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TEXT = r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
_TOKEN = re.compile(rf"#.*|{_TEXT}|[\w.]+|[{{}}<>]")
_EXTENSION = re.compile(rf"#.*|{_TEXT}|\[caffe\.(\w+)\]")


def open_brace(text: str) -> str:
    """Describe the last brace that nothing closes: ``the '{' in line 3 (layer)``."""
    opened: list[tuple[int, str, str]] = []
    name = ""
    for token in _tokens(text):
        if token[0] in "{<":
            opened.append((text.count("\n", 0, token.start()) + 1, token[0], name))
        elif token[0] in "}>" and opened:
            opened.pop()
        else:
            name = token[0]
    line, brace, name = opened[-1]
    return f"{brace!r} in line {line} ({name})"


def layer_type_at(text: str, offset: int) -> str:
    """Return the ``type: "..."`` of the block around `offset`, before or after it; else nothing."""
    types = [""]
    depth = None
    name = ""
    for token in _tokens(text):
        if depth is None and token.start() >= offset:
            depth = len(types)
        if token[0] in "{<":
            types.append("")
        elif token[0] in "}>":
            if len(types) == depth:
                break
            types = types[:-1] or [""]
        elif name == "type" and token[0][0] in "\"'":
            types[-1] = token[0][1:-1]
        name = token[0]
    return types[-1 if depth is None else depth - 1]


def plain_names(text: str) -> str:
    """Return the text with ``[caffe.name]``, as protobuf prints a plugin's message, as ``name``.

    The other characters stay where they are.
    """
    if "[caffe." not in text:
        return text
    return _EXTENSION.sub(lambda found: f"       {found[1]} " if found[1] else found[0], text)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """Yield names, texts in quotes and braces."""
    return (token for token in _TOKEN.finditer(text) if token[0][0] != "#")
