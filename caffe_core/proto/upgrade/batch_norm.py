"""BatchNorm layers of 2015, whose three statistics had to be frozen by hand with ``param``."""

from __future__ import annotations

from typing import Any


def upgrade(net: Any) -> list[str] | None:
    """Freeze the three statistics of every BatchNorm layer that has a ``param`` for each."""
    layers = [each for each in net.layer if each.type == "BatchNorm" and len(each.param) == 3]
    for layer in layers:
        for spec in layer.param:
            spec.lr_mult = spec.decay_mult = 0
    return [] if layers else None
