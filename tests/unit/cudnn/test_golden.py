"""The engine gives what the original Caffe computed, with cuDNN interpreted and on a GPU."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caffe_core import registry
from caffe_core.testing.golden import Options, Status, find_cases, run_case

GOLDEN = Path(__file__).parents[2] / "golden" / "cases"
NAMES = [name for name in registry.kernels("cuda").names() if name.endswith(".cudnn")]
TYPES = tuple(f"layers/{name.partition('.')[0]}/" for name in NAMES)
CASES = [
    case
    for case in find_cases(Path(os.environ.get("CAFFE_GOLDEN", GOLDEN)))
    if case.name.startswith((*TYPES, "nets/"))
]


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("case", CASES, ids=[case.name.removesuffix(".npz") for case in CASES])
def test_golden(place, case, memory_format):
    result = run_case(case, Options(str(place), "cudnn", memory_format))
    if result.status is Status.SKIPPED:
        pytest.skip(result.problems[0])
    assert result.status is Status.PASSED, "\n".join([case.text("note"), *result.problems])
