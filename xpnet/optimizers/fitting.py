"""The gradients of parameters, checked to belong to them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from xpnet import capturing
from xpnet.backend import array_namespace, dtype_kind, dtype_name
from xpnet.errors import ArgumentError, DtypeError, NameUnknownError, ShapeError
from xpnet.layers.checks import check_one_place
from xpnet.layers.row_gradient import RowGradient, on_values, values_of
from xpnet.typing import Array


def check_names(who: str, params: Mapping[str, Array], grads: Mapping[str, Array], unmoved: Container[str]) -> None:
    """Raise NameUnknownError unless there is a gradient for each parameter that is updated, and for no other name."""
    missing = [f"{name} missing" for name in params if name not in grads and name not in unmoved]
    unknown = [f"{name} unknown" for name in grads if name not in params]
    if missing or unknown or not params:
        got = ", ".join(missing + unknown) or "no parameters"
        must = "grads must have the names of params"
        raise NameUnknownError(who, must, got, "give it net.params and net.gradient(x, t)")


def fitting(optimizer: Any, name: str, W: Array, dW: Any) -> Array:
    """Return the gradient in the dtype of its parameter, after a check that they belong together.

    Raises: ``ArgumentError`` for a gradient of rows where whole arrays are needed; ``DtypeError`` and ``ShapeError``.
    """
    who = type(optimizer).__name__
    by_rows = optimizer.elementwise and optimizer.takes_rows
    if isinstance(dW, RowGradient) and (not by_rows or capturing.current is not None):
        must = f"the gradient of {name} must be an array, not one of rows"
        got = "a captured step" if by_rows else "a step of whole arrays"
        raise ArgumentError(who, must, got, "make its layer with by_rows=False")
    check_one_place(who, {name: W, f"the gradient of {name}": values_of(dW)})
    for what, array in ((name, W), (f"the gradient of {name}", values_of(dW))):
        if dtype_kind(array) != "real":
            raise DtypeError(who, f"{what} must be real and floating", dtype_name(array.dtype), "cast it")
    if dW.shape != W.shape:
        must = f"the gradient of {name} must be {tuple(W.shape)}"
        raise ShapeError(who, must, tuple(dW.shape), "give it net.gradient(x, t) of the same network")
    if dW.dtype == W.dtype:
        return dW  # type: ignore[no-any-return]
    cast: Array = on_values(dW, lambda d: array_namespace(d).astype(d, W.dtype))
    return cast
