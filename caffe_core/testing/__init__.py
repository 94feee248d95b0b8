"""What anyone needs to test a layer or a kernel.

- `contract`: what every kernel must do, as a pytest suite in two lines or as plain functions.
- `gradient`: a gradient checker for layers and whole nets.
- `golden`: a runner for cases that the original Caffe computed: ``python -m
  caffe_core.testing.golden``.

Importing this package is cheap: a layer's module does, to describe its cases.
"""

from caffe_core.testing.case import Case, Input, labels, uniform

__all__ = ["Case", "Input", "labels", "uniform"]
