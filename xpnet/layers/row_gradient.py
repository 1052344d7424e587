"""RowGradient: the gradient of a table of which few rows were looked up."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

from xpnet import kernels
from xpnet.backend import array_namespace, is_array, to_numpy
from xpnet.backend.moving import Change, Destination, Movable
from xpnet.typing import Array


class RowGradient(Movable):
    """The gradient of a table by the rows that have one, ``dW[rows[j]] = values[j]``, and 0 in all others.

    ``rows`` are different numbers in order; on libraries where their count cannot be known without reading values, the
    last ones are V, which stands for no row, and their values are 0. It can be added to a gradient of either kind,
    multiplied by a number, clipped, and given to an optimizer. ``dense()`` is the array.

    Shapes: ``rows (n,)``, ``values (n, D)``, the table ``(V, D)``.
    """

    __array_ufunc__ = None  # NumPy's operators leave an array and a RowGradient to those below
    base = None
    ndim = 2

    def __init__(self, rows: Array, values: Array, shape: tuple[int, ...]) -> None:
        self.rows, self.values, self.shape = rows, values, shape

    @classmethod
    def of(cls, values: Array, indices: Array, shape: tuple[int, ...]) -> RowGradient:
        """Return the gradient of which ``values[i]`` is a part for row ``indices[i]``; equal indices are summed."""
        return cls(*kernels.sum_of_rows(values, indices, shape[0]), shape)

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    @property
    def device(self) -> Any:
        return self.values.device

    def dense(self) -> Array:
        """Return the gradient as an array of the table's shape."""
        return kernels.scatter_add(self.values, self.rows, self.shape[0])

    def with_values(self, values: Array) -> RowGradient:
        """Return other values for the same rows."""
        return RowGradient(self.rows, values, self.shape)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, RowGradient):
            xp = array_namespace(self.values, other.values)
            values, rows = xp.concat([self.values, other.values]), xp.concat([self.rows, other.rows])
            return RowGradient.of(values, rows, self.shape)
        return self.dense() + other if is_array(other) else NotImplemented

    __radd__ = __add__

    def __rsub__(self, other: Any) -> Any:
        return other - self.dense() if is_array(other) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Real) or (is_array(other) and other.ndim == 0):
            return self.with_values(self.values * other)
        return NotImplemented

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Real) or (is_array(other) and other.ndim == 0):
            return self.with_values(self.values / other)
        return NotImplemented

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        host = to_numpy(self.dense())
        return host if dtype is None else host.astype(dtype)

    def changes(self, destination: Destination) -> list[Change]:
        return destination.changes(vars(self), leave=("shape",))

    def __repr__(self) -> str:
        return f"RowGradient({self.rows.shape[0]} rows of {self.shape})"


def on_values(gradient: Any, f: Callable[[Array], Array]) -> Any:
    """Return ``f(dW)`` for a function of single values that leaves 0 as it is; a RowGradient stays one."""
    return gradient.with_values(f(gradient.values)) if isinstance(gradient, RowGradient) else f(gradient)


def values_of(gradient: Any) -> Array:
    """Return the values of a gradient that may not be 0, as an array."""
    values: Array = gradient.values if isinstance(gradient, RowGradient) else gradient
    return values
