"""What user code of a Python layer sees, beside blobs: pycaffe's ``caffe.Layer``."""

from __future__ import annotations

from typing import Any

from caffe_core.blob import Blob


class LearnedBlobs(list[Blob]):
    """The learned blobs of a Python layer."""

    def __init__(self, dtype: Any):
        super().__init__()
        self._dtype = dtype

    def add_blob(self, *shape: int) -> None:
        """Append a blob of this shape, filled with zeros. Fill it in ``setup``."""
        self.append(Blob(shape, self._dtype))


class PythonLayer:
    """A layer written by the user of a net: ``caffe.Layer`` of pycaffe.

    A subclass has these methods. `bottom` and `top` are lists of blobs with ``data``, ``diff``,
    ``shape`` and ``reshape(*shape)``.

    - ``setup(bottom, top)``: check the parameters, add learned blobs. Called once.
    - ``reshape(bottom, top)``: give the tops their shapes. Called before each forward.
    - ``forward(bottom, top)``: write the data of the tops.
    - ``backward(top, propagate_down, bottom)``: write the diff of each bottom whose entry in
      `propagate_down` is true, add to the diffs of the learned blobs.

    Attributes:
        param_str: ``python_param.param_str`` of the prototxt.
        phase: 0 in TRAIN, 1 in TEST.
        blobs: The learned blobs; ``blobs.add_blob(*shape)`` adds one.
        on_device: Whether `forward` and `backward` take arrays of the net's device, CuPy's on a
            GPU; if not, they take NumPy's. A class sets it.
        xp: The module of these arrays, once the net is built: NumPy or CuPy.
    """

    type = "Python"
    on_device = False
    xp: Any
    param_str: str
    phase: int
    blobs: LearnedBlobs

    def __init__(self, param: Any = None):
        """Take the ``LayerParameter``, as in pycaffe."""

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Do nothing."""
