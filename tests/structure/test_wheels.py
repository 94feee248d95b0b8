"""What users get: all distributions as wheels, which plain pip puts into a fresh environment."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from caffe_core import __version__ as VERSION

pytestmark = pytest.mark.slow


NET = """
layer { name: 'data' type: 'DummyData' top: 'data' top: 'label'
  dummy_data_param { shape { dim: 8 dim: 1 dim: 6 dim: 6 } shape { dim: 8 }
    data_filler { type: 'gaussian' } data_filler { type: 'constant' value: 1 } } }
layer { name: 'conv' type: 'Convolution' bottom: 'data' top: 'conv'
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: 'xavier' } } }
layer { name: 'relu' type: 'ReLU' bottom: 'conv' top: 'conv' }
layer { name: 'ip' type: 'InnerProduct' bottom: 'conv' top: 'ip'
  inner_product_param { num_output: 3 weight_filler { type: 'xavier' } } }
layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'ip' bottom: 'label' top: 'loss' }
"""
SOLVER = """
net: 'net.prototxt' base_lr: 0.1 lr_policy: 'fixed' momentum: 0.9 max_iter: 20 display: 10
snapshot_prefix: 'tiny' solver_mode: CPU random_seed: 1
"""
PYCAFFE = """
import caffe
net = caffe.Net('net.prototxt', 'tiny_iter_20.caffemodel', caffe.TEST)
assert net.forward()['loss'] < 0.1
"""


def run(command: Sequence[str | Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheels(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels, made as ``make wheels`` does."""
    folder = tmp_path_factory.mktemp("wheels")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    run([uv, "build", "--quiet", "--all-packages", "--wheel", "--out-dir", folder], root)
    return folder


@pytest.fixture(scope="module")
def environment(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment into which pip has installed ``caffe``."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=True)
    programs = folder / Path(sys.executable).parent.name
    pip = [programs / "python", "-m", "pip", "install", "--quiet", "--find-links", wheels]
    run([*pip, f"caffe=={VERSION}"], folder)
    return programs


def test_every_distribution_has_a_wheel_of_the_same_version(wheels: Path, members) -> None:
    assert {wheel.name for wheel in wheels.glob("*.whl")} == {
        f"{member.module}-{VERSION}-py3-none-any.whl" for member in members
    }


def test_wheels_need_no_files_of_the_tree(wheels: Path) -> None:
    for wheel in wheels.glob("*.whl"):
        requirements = _metadata(wheel).get_all("Requires-Dist", [])
        assert not [each for each in requirements if "file:" in each or " @ " in each], wheel.name


def test_caffe_runs_where_only_its_wheels_are(environment: Path, tmp_path: Path) -> None:
    assert (
        run([environment / "caffe", "--version"], tmp_path).stdout == f"caffe version {VERSION}\n"
    )
    assert "train" in run([environment / "caffe", "--help"], tmp_path).stdout
    listing = json.loads(run([environment / "caffe", "plugins", "--json"], tmp_path).stdout)
    assert not [each for each in listing if each["status"] == "broken"]
    assert {"Convolution", "SGD", "LMDB", "train"} <= {each["name"] for each in listing}


def test_a_net_trains_where_only_the_wheels_are(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    run([environment / "caffe", "train", "-solver", "solver.prototxt"], tmp_path)
    run([environment / "python", "-W", "error", "-c", PYCAFFE], tmp_path)


def test_caffe_with_its_extras_is_every_distribution(members) -> None:
    (caffe,) = [member for member in members if member.name == "caffe"]
    named = {Requirement(each).name for each in caffe.requirements}
    named = {each for each in named if each.startswith("caffe")}
    assert named == {member.name for member in members}


def _metadata(wheel: Path):
    with ZipFile(wheel) as archive:
        (path,) = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(path).decode())
