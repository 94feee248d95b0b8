"""Golden runner: do we compute what the original Caffe computed?

``python -m caffe_core.testing.golden DIR`` runs every case under a folder whose layer types, solver
type, data backend and optional packages are installed. A case is an ``.npz`` file with a net as
prototxt, what goes in and what came out of BVLC Caffe 1.0.

Two arrays agree if no element is off by more than 1e-4 of the reference's largest magnitude, or if
the difference has at most 1e-3 of the reference's L2 norm. A difference below 1e-6 of the largest
magnitude among the case's arrays of that kind is rounding: the bias gradient of a convolution
before BatchNorm is nothing else. Pixels of images that were resized may be off by two levels.
"""

from __future__ import annotations

from caffe_core.testing.golden.case import GoldenCase, find_cases
from caffe_core.testing.golden.run import Options, Result, Status, run_case

__all__ = ["GoldenCase", "Options", "Result", "Status", "find_cases", "run_case"]
