"""The names that scripts import from ``caffe._caffe``: they are those of `caffe`."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    import caffe

    return getattr(caffe, name)
