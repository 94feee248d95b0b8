"""Every golden case whose layer types are installed gives what the original Caffe computed."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from caffe_core.testing.golden import Status, find_cases, run_case

FOLDER = Path(os.environ.get("CAFFE_GOLDEN", Path(__file__).parent / "cases"))
CASES = find_cases(FOLDER)


@pytest.mark.parametrize("case", CASES, ids=[case.name.removesuffix(".npz") for case in CASES])
def test_golden(case):
    result = run_case(case)
    if result.status is Status.SKIPPED:
        pytest.skip(result.problems[0])
    if result.status is Status.FAILED:
        pytest.fail("\n".join([case.text("note"), *result.problems]), pytrace=False)


def test_no_case_or_side_file_is_missing():
    with (FOLDER / "manifest.csv").open() as manifest:
        listed = [row["file"] for row in csv.DictReader(manifest)]
    assert [case.name for case in CASES] == sorted(listed)
    for case in CASES:
        if "files" in case.arrays:
            folder = case.path.parent / case.text("files")
            assert any(folder.rglob("*")), f"{folder} is empty"
    assert list(FOLDER.glob("layers/Data/leveldb_*.files/db/*.log")), "LevelDB's log is left out"
