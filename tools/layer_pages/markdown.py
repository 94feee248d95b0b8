"""Docstrings and tables as Markdown."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence

_ROLE = re.compile(r"(?<!`)`(\w+)`(?!`)")
_CODE = re.compile(r"``(.+?)``", re.DOTALL)
_LABEL = re.compile(
    r"(^|(?<=\.)\s)(Bottoms?|Tops?|Learned blobs?|Source)\b(?=(?:, [^.:]*)?:)", re.MULTILINE
)
_SENTENCE = re.compile(r"(a|[a-z]{2,})\b(?! [=^])")


def from_docstring(text: str, types: Container[str] = ()) -> str:
    """Return a docstring in Markdown; names of layer types in it become links to their pages."""
    text = _ROLE.sub(lambda role: link(role[1], types), text)
    text = _LABEL.sub(r"\1**\2**", text)
    text = _CODE.sub(r"`\1`", text)
    return re.sub(r"::$", ":", text, flags=re.MULTILINE)


def link(name: str, types: Container[str]) -> str:
    """Return a link to the page of a layer type; anything else is code."""
    return f"[{name}]({name}.md)" if name in types else f"`{name}`"


def sentence(text: str) -> str:
    """Return words with a capital at the beginning, unless they begin with a formula."""
    return text[0].upper() + text[1:] if _SENTENCE.match(text) else text


def code(text: str, language: str = "") -> str:
    """Return a block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", r"\|").split())
