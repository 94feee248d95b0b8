"""The distributions of this tree, for tests that hold of each."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Member:
    """One distribution: a folder with a pyproject.toml."""

    folder: Path

    @cached_property
    def pyproject(self):
        return tomllib.loads((self.folder / "pyproject.toml").read_text())

    @property
    def project(self):
        return self.pyproject["project"]

    @property
    def name(self):
        return self.project["name"]

    @property
    def module(self):
        return self.name.replace("-", "_")

    @property
    def sources(self):
        return sorted((self.folder / self.module).rglob("*.py"))

    @property
    def entry_points(self):
        """Every (group, name, target)."""
        return [
            (group, name, target)
            for group, entries in self.project.get("entry-points", {}).items()
            for name, target in entries.items()
        ]

    @property
    def requirements(self):
        """Every requirement, those of extras too."""
        extras = self.project.get("optional-dependencies", {}).values()
        return [
            *self.project.get("dependencies", []),
            *(each for extra in extras for each in extra),
        ]

    def imports(self, lazy=True):
        """Every (place, module) that is imported by name; `lazy`: in functions too."""
        for source in self.sources:
            for node in walk(ast.parse(source.read_text()), into_functions=lazy):
                for name in imported_names(node):
                    yield f"{source.relative_to(ROOT)}:{node.lineno}", name


def walk(node, into_functions):
    """Every node below one, without what only type checkers run."""
    for child in ast.iter_child_nodes(node):
        is_function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        is_for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        if is_for_types or (is_function and not into_functions):
            continue
        yield child
        yield from walk(child, into_functions)


def imported_names(node):
    """The absolute names that an import statement or a call of ``import_module`` brings in."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [node.module]
    is_call = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module")
    if is_call and node.args and isinstance(node.args[0], ast.Constant):
        return [node.args[0].value]
    return []


def find_members():
    core = Member(ROOT)
    patterns = core.pyproject["tool"]["uv"]["workspace"]["members"]
    folders = sorted(file.parent for p in patterns for file in ROOT.glob(f"{p}/pyproject.toml"))
    return [core, *map(Member, folders)]


MEMBERS = find_members()


SAMPLE = ("caffe-core", "caffe-layer-data", "caffe-layer-relu", "caffe-data-leveldb", "caffe-plot")
"""Installed one by one; with ``CAFFE_EVERY_WHEEL=1`` in the environment, every member is."""


def pytest_generate_tests(metafunc):
    every = bool(os.environ.get("CAFFE_EVERY_WHEEL"))
    sample = [member for member in MEMBERS if every or member.name in SAMPLE]
    for fixture, chosen in (("member", MEMBERS), ("sampled_member", sample)):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, chosen, ids=[member.name for member in chosen])


@pytest.fixture(scope="session")
def members():
    return MEMBERS


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def tracked_files():
    """Every file of the repository, with those that are about to be added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]
