"""What the contract suite tries, and examples of use."""

from __future__ import annotations

from pathlib import Path

from caffe_core.proto import caffe_pb2
from caffe_core.testing import Case, labels, uniform


def _write_matrix(folder: Path) -> None:
    numbers = [1, 0.25, 0, 0, 2, -0.5, 0.125, 0, 1]
    blob = caffe_pb2.BlobProto(shape={"dim": (3, 3)}, data=numbers)
    (folder / "H.binaryproto").write_bytes(blob.SerializeToString())


_MATRIX = uniform((5, 5), -1, 2)

CASES = [
    Case(
        'infogain_loss_param { source: "H.binaryproto" }',
        bottom=[(4, 3), labels((4,), 3)],
        files=_write_matrix,
        note="the matrix in a file",
    ),
    Case(
        "loss_param { ignore_label: 2 }",
        bottom=[(2, 5, 3, 4), labels((2, 1, 3, 4), 4), _MATRIX],
        tops=2,
        note="the matrix as a bottom, one label for each pixel",
    ),
    Case(
        "infogain_loss_param { axis: -1 } loss_param { normalization: BATCH_SIZE }",
        bottom=[(2, 3, 5), labels((2, 3), 5), _MATRIX],
    ),
    Case(
        "loss_param { normalization: NONE }",
        bottom=[(4, 5), labels((4, 1), 5), uniform((1, 1, 5, 5), 0, 1)],
    ),
]
