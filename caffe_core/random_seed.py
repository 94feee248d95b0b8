"""Seeds: every random number of a net comes from one."""

from __future__ import annotations

import numpy as np

_seeds = np.random.SeedSequence()


def set_random_seed(seed: int) -> None:
    """Make the seeds that follow the same in every run."""
    global _seeds
    _seeds = np.random.SeedSequence(seed)


def fresh_seed() -> int:
    """Return a seed that no earlier call returned."""
    return int(_seeds.spawn(1)[0].generate_state(1, np.uint64)[0])


def derive_seed(seed: int, index: int) -> int:
    """Return the seed of the `index`-th of several users of one seed."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0])
