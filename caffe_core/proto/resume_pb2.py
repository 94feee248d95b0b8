"""The messages of ``resume.proto``, made from ``resume.binpb`` (``make proto``)."""

from __future__ import annotations

from typing import Any

from caffe_core.proto import schema

globals().update(schema.load("resume", __name__))


def __getattr__(name: str) -> Any:  # for type checkers: the names above are made at run time
    raise AttributeError(f"resume.proto has no message {name!r}")
