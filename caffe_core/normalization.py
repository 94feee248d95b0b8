"""What losses divide their sum by."""

from __future__ import annotations

from typing import Any

from caffe_core.proto import caffe_pb2


def normalization_mode(param: Any, default: str = "VALID") -> str:
    """Return the mode that a ``LossParameter`` asks for: FULL, VALID, BATCH_SIZE or NONE.

    ``normalize``, of older nets, means VALID if true and BATCH_SIZE if false.

    Args:
        param: The ``LossParameter``.
        default: The mode if neither field is set.
    """
    if param.HasField("normalization"):
        return str(caffe_pb2.LossParameter.NormalizationMode.Name(param.normalization))
    if param.HasField("normalize"):
        return "VALID" if param.normalize else "BATCH_SIZE"
    return default


def divisor(mode: str, *, batch: int, total: int, valid: int) -> int:
    """Return what a loss divides its sum by, at least 1.

    Args:
        mode: What `normalization_mode` returned.
        batch: Items.
        total: Labels.
        valid: Labels that are not ignored.
    """
    return max(1, {"FULL": total, "VALID": valid, "BATCH_SIZE": batch, "NONE": 1}[mode])
