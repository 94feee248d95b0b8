"""The documentation has no dead links, its code is Python, and it names every flag."""

from __future__ import annotations

import argparse
import ast
import re
from urllib.parse import urlparse

import pytest

from caffe_core import registry
from caffe_core.testing.checks import CHECKS

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def pages(tracked_files):
    return [path for path in tracked_files if path.suffix == ".md" and "cases" not in path.parts]


def test_links_lead_somewhere(pages, root):
    dead = [
        f"{page.relative_to(root)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text())
        if not urlparse(target).scheme and not (page.parent / target).exists()
    ]
    assert dead == []


def test_code_compiles(pages, root):
    blocks = [(page, code) for page in pages for code in CODE.findall(page.read_text())]
    assert len(blocks) > 5
    for page, code in blocks:
        ast.parse(code, f"{page.relative_to(root)}")


def test_every_page_and_decision_is_reachable(root):
    docs = root / "docs"
    assert set(docs.glob("*.md")) <= targets(root / "README.md")
    decisions = set((docs / "adr").glob("0*.md"))
    assert len(decisions) > 10
    assert decisions <= targets(docs / "adr" / "README.md")


def targets(page):
    return {(page.parent / link).resolve() for link in LINK.findall(page.read_text())}


def test_every_flag_of_every_command_is_documented(root):
    text = (root / "docs" / "command-line.md").read_text()
    for name in registry.commands:
        assert f"## caffe {name}" in text
        for flag in flags(name):
            assert re.search(rf"-{re.escape(flag)}\b", text), f"caffe {name} --{flag}"


def flags(command):
    """The long flags that a command declares, those of its subcommands too."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    registry.commands[command].add_arguments(parser)
    parsers = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            parsers += action.choices.values()
    return {
        action.option_strings[0].lstrip("-")
        for each in parsers
        for action in each._actions
        if action.option_strings and action.dest != "help"
    }


def test_every_group_of_plugins_is_documented(root):
    text = (root / "docs" / "architecture.md").read_text()
    for each in registry.registries():
        group = each.group
        shortened = group.startswith("caffe.solvers.") and f"`.{group.rpartition('.')[2]}`" in text
        assert f"`{group}`" in text or shortened, group


def test_every_check_of_the_contract_is_documented(root):
    text = (root / "docs" / "testing.md").read_text()
    assert [check.__name__ for check in CHECKS if f"`{check.__name__}`" not in text] == []
