"""Every hook is called by the core, documented and tested."""

from __future__ import annotations

import inspect
import re

import pytest

from caffe_core import hooks

NAMES = sorted(name for name in vars(hooks) if name.startswith("on_"))


def test_there_are_at_most_ten():
    assert 1 <= len(NAMES) <= 10


@pytest.mark.parametrize("name", NAMES)
def test_a_hook_is_specified(name):
    assert hasattr(getattr(hooks, name), "caffe_spec")
    assert inspect.getdoc(getattr(hooks, name))


@pytest.mark.parametrize("name", NAMES)
def test_a_hook_is_called(members, name):
    called = re.compile(rf"\bhook\.{name}\b")
    assert any(called.search(source.read_text()) for source in members[0].sources)


@pytest.mark.parametrize("name", NAMES)
def test_a_hook_is_documented(root, name):
    text = (root / "docs" / "hooks.md").read_text()
    arguments = inspect.signature(getattr(hooks, name)).parameters
    assert name in text
    for argument in arguments:
        assert re.search(rf"\b{argument}\b", text), f"docs/hooks.md leaves out {argument}"


@pytest.mark.parametrize("name", NAMES)
def test_a_hook_is_tested(root, name):
    """Some test listens to it: defines a function of its name, or checks that it was called."""
    here = root / "tests" / "structure"
    tests = [path for path in (root / "tests").rglob("test_*.py") if here not in path.parents]
    assert any(re.search(rf"\b{name}\b", path.read_text()) for path in tests)
