"""The notebooks of the examples run, check themselves and draw their pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
for needed in ("ipykernel", "matplotlib", "sklearn"):
    pytest.importorskip(needed)

FOLDER = Path(__file__).parents[2] / "examples" / "notebooks"
PICTURES = {
    "00-classification": 2,
    "01-learning-lenet": 3,
    "02-filters": 4,
    "03-fine-tuning": 1,
    "04-python-layer": 1,
    "05-net-surgery": 1,
}


def test_each_notebook_is_run():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_a_notebook_runs_and_draws(name, tmp_path, monkeypatch):
    monkeypatch.setenv("CAFFE_THREADS", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore::DeprecationWarning")
    book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(book)
    client = nbclient.NotebookClient(
        book, timeout=60, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
    pictures = [each for each in outputs if "image/png" in each.get("data", {})]
    assert len(pictures) == PICTURES[name]
    shown = any("text/html" in each.get("data", {}) for each in outputs)
    assert shown == (name == "01-learning-lenet")


@pytest.mark.parametrize("name", PICTURES)
def test_a_notebook_is_kept_without_outputs(name):
    book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells)
