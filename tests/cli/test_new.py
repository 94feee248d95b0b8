"""``caffe new layer NAME`` writes a plugin that works at once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")


def install(folder, site):
    """Do what an editable install does: name the code in a path file, and the entry points."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = site / f"{folder.name.replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    header = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(header)
    sections = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("".join(sections))
    return os.pathsep.join([str(folder), str(site)])


@pytest.mark.parametrize("name", ["Fresh", "MyOwnLayer"])
def test_a_new_layer_passes_its_own_test(caffe, workdir, name):
    result = caffe("new", "layer", name)
    assert (result.status, result.log) == (0, "")
    (folder,) = workdir.glob("caffe-layer-*")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", str(folder)],
        env={**os.environ, "PYTHONPATH": install(folder, workdir / "site")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{contract_rows()} passed" in done.stdout


def contract_rows():
    """Two cases, one of which has a second memory format, in two element types."""
    return (2 + 1) * 2


def test_what_is_written_is_said(caffe, workdir):
    result = caffe("new", "layer", "MyOwnLayer", "--dir", "plugins/mine")
    folder = workdir / "plugins" / "mine" / "caffe-layer-my-own-layer"
    written = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert written == [
        "README.md",
        "caffe_layer_my_own_layer/__init__.py",
        "pyproject.toml",
        "tests/test_contract.py",
    ]
    for name in written:
        assert name in result.out
        assert "$" not in (folder / name).read_text()
    assert "pip install -e plugins/mine/caffe-layer-my-own-layer" in result.out


def test_the_distribution_names_core_and_both_entry_points(caffe, workdir):
    caffe("new", "layer", "Fresh")
    text = (workdir / "caffe-layer-fresh" / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    assert project["name"] == "caffe-layer-fresh"
    assert project["dependencies"] == ["caffe-core>=1.0.0,<2"]
    assert project["entry-points"] == {
        "caffe.layers": {"Fresh": "caffe_layer_fresh:Fresh"},
        "caffe.kernels.cpu": {"Fresh": "caffe_layer_fresh:FreshKernel"},
    }


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("fresh", "'Fresh'"),
        ("my-own_layer", "'MyOwnLayer'"),
        ("3D", "'D'"),
        ("None", "'MyLayer'"),
        ("../up", "'Up'"),
        ("Größe", "'GrE'"),
        ("", "'MyLayer'"),
    ],
)
def test_a_name_that_is_no_type_name_is_refused(caffe, workdir, name, suggestion):
    result = caffe("new", "layer", name)
    assert result.status == 1
    assert f"layer name {name!r}: expected a capital letter" in result.messages[0]
    assert suggestion in result.messages[0]
    assert not list(workdir.glob("**/caffe-layer-*"))


def test_a_name_that_is_taken_is_refused(caffe, workdir):
    result = caffe("new", "layer", "ReLU")
    assert result.status == 1
    expected = "layer name 'ReLU': caffe-layer-relu supplies this type; choose another name"
    assert result.messages == [expected]


def test_nothing_is_overwritten(caffe, workdir):
    mine = workdir / "caffe-layer-fresh" / "pyproject.toml"
    mine.parent.mkdir()
    mine.write_text("mine")
    result = caffe("new", "layer", "Fresh")
    assert result.status == 1
    assert "caffe-layer-fresh exists; remove it, or choose another place" in result.messages[0]
    assert mine.read_text() == "mine"
    assert [path.name for path in mine.parent.iterdir()] == ["pyproject.toml"]


def test_only_layers_can_be_made(caffe, workdir):
    result = caffe("new", "net", "Fresh")
    assert result.status == 2
    assert "invalid choice: 'net'" in result.log
