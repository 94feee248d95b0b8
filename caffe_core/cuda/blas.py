"""Blas: products of matrices on a GPU, by cuBLAS, without copies."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

import numpy as np

from caffe_core import cuda

_TF32 = 3  # CUBLAS_TF32_TENSOR_OP_MATH; not all versions of CuPy name it

Matrix = tuple[int, int, int]  # whether it is transposed as cuBLAS sees it, row length, step


class Blas:
    """Matrix products through CuPy's binding of cuBLAS, which CuPy's `matmul` makes copies for.

    With `caffe_core.cuda.tf32`, float32 products round their factors.
    """

    def __init__(self, xp: ModuleType):
        self._tf32 = cuda.tf32()
        self._xp = xp
        self._numbers = {  # cuBLAS takes addresses of factors
            np.dtype(kind): np.array([0, 1], kind) for kind in (np.float32, np.float64)
        }

    def gemm(self, a: Any, b: Any, out: Any, *, add: bool = False) -> None:
        """Write ``a b`` to `out`, or add it to `out`.

        Args:
            a: Matrices ``(rows, inner)``, or ``(batch, rows, inner)``.
            b: Matrices ``(inner, columns)``, likewise. If either has no batch axis while `out` has,
                it serves all; each may be a transposed view.
            out: Matrices ``(rows, columns)``, likewise, whose rows are in order.
            add: Add to what `out` holds.

        Raises:
            DeviceError: cuBLAS is not installed.
        """
        rows, columns = out.shape[-2:]
        inner, batch = a.shape[-1], out.shape[0] if out.ndim == 3 else 1
        if 0 in (rows, columns, batch):
            return
        if inner == 0:
            if not add:
                out.fill(0)
            return
        (flip_a, lead_a, step_a), (flip_b, lead_b, step_b) = layout(a), layout(b)
        _, lead_out, step_out = layout(out)
        cublas = self._cublas
        handle = self._xp.cuda.device.get_cublas_handle()
        if self._tf32:
            cublas.setMathMode(handle, _TF32)
        numbers = self._numbers[out.dtype].ctypes.data
        size = out.dtype.itemsize
        one, factor = numbers + size, numbers + size * add
        single = out.dtype == np.float32
        # cuBLAS counts columns first: in its eyes every array is transposed, and so is the product.
        if batch == 1:  # for which cuBLAS has more ways, such as sharing out the inner axis
            multiply = cublas.sgemm if single else cublas.dgemm
            multiply(
                handle, flip_b, flip_a, columns, rows, inner, one, b.data.ptr, lead_b,
                a.data.ptr, lead_a, factor, out.data.ptr, lead_out,
            )  # fmt: skip
            return
        multiply = cublas.sgemmStridedBatched if single else cublas.dgemmStridedBatched
        multiply(
            handle, flip_b, flip_a, columns, rows, inner, one, b.data.ptr, lead_b, step_b,
            a.data.ptr, lead_a, step_a, factor, out.data.ptr, lead_out, step_out, batch,
        )  # fmt: skip

    @functools.cached_property
    def _cublas(self) -> Any:
        try:
            return self._xp.cuda.cublas
        except ImportError as error:
            raise cuda.lacks_library(error) from error


def layout(array: Any) -> Matrix:
    """Return how matrices lie in memory: whether transposed, and both steps.

    Raises:
        ValueError: Neither rows nor columns are whole in memory.
    """
    size = array.itemsize
    step = array.strides[0] // size if array.ndim == 3 else 0
    row, column = (stride // size for stride in array.strides[-2:])
    rows, columns = array.shape[-2:]
    if (column == 1 or columns == 1) and (row >= columns or rows == 1):
        return 0, max(row, columns) if rows > 1 else columns, step
    if (row == 1 or rows == 1) and (column >= rows or columns == 1):
        return 1, max(column, rows) if columns > 1 else rows, step
    raise ValueError(f"a matrix with strides {array.strides} is neither in rows nor in columns")
