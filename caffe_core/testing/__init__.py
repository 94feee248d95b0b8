"""What anyone needs to test a layer, a kernel or an update rule. See `caffe_core.testing.contract`."""

from caffe_core.testing.case import Case, Input, labels, uniform

__all__ = ["Case", "Input", "labels", "uniform"]
