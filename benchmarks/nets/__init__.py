"""The nets that are measured. Each file serves training (TRAIN) and inference (TEST)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Known:
    """What is known of a net beside its definition.

    Attributes:
        parameters: How many values it learns; statistics of BatchNorm do not count.
        classes: How many labels there are.
        batch_axis: The axis of its inputs that counts items.
    """

    parameters: int
    classes: int = 1000
    batch_axis: int = 0


NETS = {
    "lenet": Known(431_080, classes=10),
    "cifar10_quick": Known(145_578, classes=10),
    "caffenet": Known(60_965_224),
    "googlenet": Known(6_998_552),
    "vgg16": Known(138_357_544),
    "resnet50": Known(25_557_032),
    "squeezenet": Known(1_235_496),
    "mobilenet": Known(4_231_976),
    "lstm": Known(4 * 512 * (256 + 1 + 512) + 4 * 512 * (512 + 1 + 512) + 1000 * 513, batch_axis=1),
}


def path(net: str) -> Path:
    """Return the prototxt of a net."""
    return Path(__file__).with_name(f"{net}.prototxt")
