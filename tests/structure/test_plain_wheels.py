"""Wheels that are made without any tool install and work as those made with uv."""

from __future__ import annotations

import shutil
import subprocess
import sys
from zipfile import ZipFile

import pytest

from tools import plain_wheels

MEMBERS = (".", "layers_cuda/pooling", "solvers/sgd")


def files(wheel):
    """What a wheel holds, without the description of itself."""
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def entry_points(wheel):
    with ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        return sorted(line for line in archive.read(name).decode().splitlines() if line)


@pytest.mark.parametrize("folder", MEMBERS)
def test_they_hold_what_uv_puts_in(root, tmp_path, folder):
    uv = shutil.which("uv", path=f"{sys.prefix}/bin") or "uv"
    command = [uv, "build", "--quiet", "--wheel", "--out-dir", str(tmp_path / "uv")]
    subprocess.run([*command, str(root / folder)], check=True)
    (expected,) = (tmp_path / "uv").glob("*.whl")
    found = plain_wheels.build((root / folder).resolve(), tmp_path)
    assert found.name == expected.name
    assert files(found) == {name for name in files(expected) if not name.endswith("/")}
    assert entry_points(found) == entry_points(expected)


def test_there_is_one_for_every_member(members):
    assert sorted(plain_wheels.projects()) == sorted(member.folder for member in members)


@pytest.fixture
def projects(tmp_path):
    """Distributions of which the last needs what nobody has, and another needs that one."""
    needs = {
        "core": ["numpy>=2.0,<3", "nothing-of-this-name; python_version < '3'"],
        "codec": ["core>=1.0", "nothing-of-this-name>=1.4"],
        "reader": ["core>=1.0", "codec>=1.0"],
    }
    for name, dependencies in needs.items():
        (tmp_path / name).mkdir()
        text = f"[project]\nname = {name!r}\ndependencies = {dependencies}\n"
        (tmp_path / name / "pyproject.toml").write_text(text)
    return {name: tmp_path / name for name in needs}


def test_what_needs_something_that_is_not_installed_is_found(projects):
    found = plain_wheels.lacking(projects)
    assert found == {"codec": "nothing-of-this-name", "reader": "codec"}


def test_nothing_is_left_out_where_all_is_installed(members):
    assert not plain_wheels.lacking({member.name: member.folder for member in members})
