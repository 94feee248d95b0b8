from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from caffe_core import threads


@pytest.fixture(autouse=True)
def fresh():
    threads.thread_count.cache_clear()
    yield
    threads.thread_count.cache_clear()


def test_caffe_threads_decides(monkeypatch):
    monkeypatch.setenv("CAFFE_THREADS", "3")
    assert threads.thread_count() == 3


@pytest.mark.parametrize("wrong", ["", "0", "-2", "many"])
def test_anything_else_means_every_core(monkeypatch, wrong):
    monkeypatch.setenv("CAFFE_THREADS", wrong)
    assert threads.thread_count() >= 1
    monkeypatch.delenv("CAFFE_THREADS")
    expected = threads.thread_count()
    threads.thread_count.cache_clear()
    monkeypatch.setenv("CAFFE_THREADS", wrong)
    assert threads.thread_count() == expected


def test_blas_is_told_and_what_the_user_set_stays(monkeypatch):
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_CORETYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENBLAS_THREAD_TIMEOUT", "20")
    monkeypatch.setenv("CAFFE_THREADS", "2")
    threads.tune_blas()
    assert os.environ["OPENBLAS_THREAD_TIMEOUT"] == "20"
    assert os.environ["OPENBLAS_NUM_THREADS"] == os.environ["OMP_NUM_THREADS"] == "2"


def test_importing_the_core_tunes_before_numpy_is_there():
    settings = "os.environ['OPENBLAS_THREAD_TIMEOUT'], os.environ['GOMP_SPINCOUNT']"
    code = f"import sys, os, caffe_core; print('numpy' in sys.modules, {settings})"
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS", "GOMP"))}
    found = subprocess.run(
        [sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["False", "12", "1000"]


def test_calls_run_at_the_same_time_and_errors_come_back(monkeypatch):
    monkeypatch.setenv("CAFFE_THREADS", "2")
    both = threading.Barrier(2, timeout=30)
    threads.run_all([both.wait, both.wait])

    def fail():
        raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        threads.run_all([fail, fail])


def test_one_thread_runs_them_in_order(monkeypatch):
    monkeypatch.setenv("CAFFE_THREADS", "1")
    done = []
    threads.run_all([lambda: done.append(1), lambda: done.append(2)])
    assert done == [1, 2]
