"""CuDNN's own frontend takes what the engine draws.

To check a graph it asks cuDNN for nothing but its version, so a library that has no more will do.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from caffe_core.testing.emulation import compiler

pytest.importorskip("cudnn", reason="needs nvidia-cudnn-frontend")

VERSION = 'extern "C" unsigned long cudnnGetVersion() { return 91000; }\n'


@pytest.mark.skipif(sys.platform != "linux" or compiler() is None, reason="needs g++ on Linux")
def test_every_computation_is_drawn_as_the_frontend_wants_it(tmp_path):
    source = tmp_path / "cudnn.cpp"
    source.write_text(VERSION)
    library = tmp_path / "libcudnn.so.9"
    subprocess.run(["g++", "-shared", "-fPIC", "-o", library, source], check=True)
    script = Path(__file__).with_name("drawings.py")
    ran = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(ran.stdout.split()[0]) > 100


def test_its_names_are_those_that_the_engine_asks_for():
    import cudnn

    for name in ("create_handle", "set_stream", "cudnnGraphNotSupportedError", "pygraph"):
        assert hasattr(cudnn, name)
    for name in (
        "DOWN_CONVERT_INPUTS",
        "NONDETERMINISTIC",
        "REDUCED_PRECISION_REDUCTION",
        "TENSOR_CORE",
    ):
        assert hasattr(cudnn.numerical_note, name)
    for name in ("A", "FALLBACK"):
        assert hasattr(cudnn.heur_mode, name)
    for name in (
        "build_operation_graph",
        "build_plan_at_index",
        "check_support",
        "create_execution_plans",
        "deselect_numeric_notes",
        "deselect_workspace_greater_than",
        "execute_plan_at_index",
        "get_execution_plan_count",
        "get_workspace_size_plan_at_index",
    ):
        assert hasattr(cudnn.pygraph, name)
