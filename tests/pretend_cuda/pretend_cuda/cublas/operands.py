"""What cuBLAS is given: numbers, vectors and matrices at an address, in columns as Fortran has them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pretend_cuda.views import view

BFLOAT16 = "bfloat16"
TYPES: dict[int, Any] = {
    0: np.dtype("float32"),
    1: np.dtype("float64"),
    2: np.dtype("float16"),
    3: np.dtype("int8"),
    4: np.dtype("complex64"),
    5: np.dtype("complex128"),
    14: BFLOAT16,
}
"""cudaDataType -> the dtype."""


class Operand(NamedTuple):
    """Matrices at an address: their cudaDataType, the step from column to column and from matrix to matrix."""

    pointer: int
    kind: int
    lead: int
    step: int = 0

    @property
    def itemsize(self) -> int:
        """Bytes of a number."""
        return 2 if TYPES[self.kind] is BFLOAT16 else TYPES[self.kind].itemsize

    def read(self, count: int, rows: int, columns: int, dtype: np.dtype) -> np.ndarray:
        """The matrices as the dtype in which they are computed."""
        shape, steps = (count, rows, columns), (self.step, 1, self.lead)
        if TYPES[self.kind] is BFLOAT16:
            bits = view(self.pointer, np.uint16, shape, steps).astype(np.uint32) << 16
            return bits.view(np.float32).astype(dtype, copy=False)
        return view(self.pointer, TYPES[self.kind], shape, steps).astype(dtype, copy=False)

    def write(self, values: np.ndarray) -> None:
        """Put results there, rounded to the type."""
        shape, steps = values.shape, (self.step, 1, self.lead)
        if TYPES[self.kind] is BFLOAT16:
            bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
            rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
            view(self.pointer, np.uint16, shape, steps)[...] = np.where(np.isnan(values), 0x7FFF, rounded)
        else:
            with np.errstate(over="ignore"):
                view(self.pointer, TYPES[self.kind], shape, steps)[...] = values


def number(pointer: int, dtype: Any) -> Any:
    """The number at an address."""
    return view(pointer, dtype, (1,))[0]


def vector(pointer: int, dtype: Any, n: int, step: int) -> np.ndarray:
    """The n numbers from an address on; with a negative step they go the other way round, as BLAS has it."""
    if n == 0:
        return np.empty(0, dtype)
    return view(pointer, dtype, (n,), (abs(step),))[:: 1 if step >= 0 else -1]


def matrix(pointer: int, dtype: Any, rows: int, columns: int, lead: int) -> np.ndarray:
    """The matrix at an address, where ``lead`` numbers lie from column to column."""
    return view(pointer, dtype, (rows, columns), (1, lead))


def pointers(address: int, count: int) -> list[int]:
    """The addresses that lie in an array on the device."""
    found: list[int] = view(address, np.uint64, (count,)).tolist()
    return found


def turned(given: np.ndarray, operation: int) -> np.ndarray:
    """As it is, transposed, or transposed and conjugated: CUBLAS_OP_N, T, C."""
    if operation == 0:
        return given
    return given.swapaxes(-1, -2) if operation == 1 else given.swapaxes(-1, -2).conj()
