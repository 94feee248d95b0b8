"""CUDA kernels, on a GPU and compiled for the CPU, give what the original Caffe computed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caffe_core.testing.emulation import compiler
from caffe_core.testing.golden import Options, Status, find_cases, run_case

FOLDER = Path(os.environ.get("CAFFE_GOLDEN", Path(__file__).parent / "cases"))
CASES = find_cases(FOLDER)
DEVICES = [
    pytest.param("cuda", marks=pytest.mark.cuda),
    pytest.param("emulated", marks=pytest.mark.skipif(compiler() is None, reason="needs g++")),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name.removesuffix(".npz") for case in CASES])
@pytest.mark.parametrize("device", DEVICES)
def test_golden_on_cuda(case, device):
    result = run_case(case, Options(device))
    if result.status is Status.SKIPPED:
        pytest.skip(result.problems[0])
    if result.status is Status.FAILED:
        pytest.fail("\n".join([case.text("note"), *result.problems]), pytrace=False)
