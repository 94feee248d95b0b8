from __future__ import annotations

import pytest

from caffe_core import random_seed
from caffe_core.random_seed import derive_seed, fresh_seed, set_random_seed


@pytest.fixture(autouse=True)
def seeds(monkeypatch):
    """Give back the seeds of before."""
    monkeypatch.setattr(random_seed, "_seeds", random_seed._seeds)


def test_fresh_seeds_differ():
    assert len({fresh_seed() for _ in range(20)}) == 20


def test_after_set_random_seed_they_are_the_same_in_every_run():
    set_random_seed(5)
    first = [fresh_seed() for _ in range(3)]
    set_random_seed(5)
    assert [fresh_seed() for _ in range(3)] == first
    set_random_seed(6)
    assert fresh_seed() not in first


def test_users_of_one_seed_get_different_ones():
    derived = {derive_seed(seed, index) for seed in range(4) for index in range(4)}
    assert len(derived) == 16
    assert derive_seed(1, 2) == derive_seed(1, 2)
