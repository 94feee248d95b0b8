"""A layer from outside: its wheel and core's, in a fresh environment, are all that a net needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

NET = """
force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "mish" type: "Mish" bottom: "data" top: "mish" }
"""

RUN_NET = f"""
import math
import caffe_core
from caffe_core.testing import contract

net = caffe_core.Net('''{NET}''', caffe_core.Phase.TRAIN)
x = net.blobs["data"].data
x[...] = [[-20, -1, 0], [0.5, 3, 100]]
net.forward()
for value, result in zip(x.ravel(), net.blobs["mish"].data.ravel()):
    expected = value * math.tanh(math.log1p(math.exp(value)))
    assert abs(result - expected) < 1e-5 * max(1, abs(expected)), (value, result, expected)
net.blobs["mish"].diff[...] = 1
net.backward()
assert abs(net.blobs["data"].diff[0, 2] - 0.6) < 1e-6  # tanh(log 2)
print("checked", contract.verify("Mish"))
"""


def run(*command, cwd):
    command = list(map(str, command))
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheels(root, tmp_path_factory):
    """Wheels of core, of Input and of the layer from outside."""
    folder = tmp_path_factory.mktemp("wheels")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    for project in (".", "layers_cpu/input", "examples/plugins/caffe-layer-mish"):
        run(uv, "build", "--quiet", "--wheel", "--out-dir", folder, root / project, cwd=folder)
    return sorted(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheels, tmp_path_factory):
    """The interpreter of an environment into which pip has installed those wheels."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=True)
    program = folder / Path(sys.executable).parent.name / "python"
    run(program, "-m", "pip", "install", "--quiet", "--prefer-binary", *wheels, cwd=folder)
    return program


def test_two_files_are_all_of_it_and_nothing_imports_it(root, members):
    folder = root / "examples" / "plugins" / "caffe-layer-mish"
    imported = [place for each in members for place, name in each.imports() if "mish" in name]
    assert imported == []
    written = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sorted(path.name for path in written) == ["__init__.py", "pyproject.toml"]


def test_a_net_uses_the_layer_and_it_keeps_to_the_contract(python, tmp_path):
    assert run(python, "-W", "error", "-c", RUN_NET, cwd=tmp_path) == "checked 8\n"


def test_the_command_line_lists_it_with_its_distribution(python, tmp_path):
    caffe = python.with_name("caffe")
    lines = run(caffe, "plugins", cwd=tmp_path).splitlines()
    (layer,) = [line.split() for line in lines if line.split()[:2] == ["layers", "Mish"]]
    assert "caffe-layer-mish" in layer
    assert "1.0.0" in layer


def test_without_it_the_error_says_what_to_install(root):
    from caffe_core import Net
    from caffe_core.errors import PluginError

    with pytest.raises(PluginError, match=r"no layer type 'Wish'.*pip install caffe-layer-wish"):
        Net(NET.replace("Mish", "Wish"))
