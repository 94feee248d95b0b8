"""Each distribution works next to core with nothing but what it declares."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

LOAD = """
import sys
from caffe_core.registry import registries
from caffe_core.testing import contract
mine = [
    (registry, listing.name)
    for registry in registries()
    for listing in registry.listings()
    if listing.distribution == sys.argv[1]
]
for registry, name in mine:
    registry[name]
    if registry.group == "caffe.layers":
        assert contract.verify(name) > 0
print(len(mine))
"""


def run(*command, cwd):
    command = list(map(str, command))
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheels(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    run(uv, "build", "--quiet", "--all-packages", "--wheel", "--out-dir", folder, cwd=root)
    return folder


def test_all_it_supplies_loads_and_its_layers_keep_to_the_contract(
    sampled_member, wheels, tmp_path
):
    member = sampled_member
    venv.create(tmp_path / "fresh", with_pip=True)
    python = tmp_path / "fresh" / Path(sys.executable).parent.name / "python"
    install = ["-m", "pip", "install", "--quiet", "--find-links", wheels]
    run(python, *install, f"{member.name}=={member.project['version']}", cwd=tmp_path)
    loaded = run(python, "-W", "error", "-c", LOAD, member.name, cwd=tmp_path)
    assert int(loaded) == len(member.entry_points)
