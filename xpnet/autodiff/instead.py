"""Functions that NumPy and torch call by another name than the standard, and the standard's names for them."""

from __future__ import annotations

from collections.abc import Container, Iterable
from difflib import get_close_matches

INSTEAD = {
    "absolute": "abs",
    "fabs": "abs",
    "true_divide": "divide",
    "mod": "remainder",
    "power": "pow",
    "float_power": "pow",
    "conjugate": "conj",
    "amax": "max",
    "amin": "min",
    "clamp": "clip",
    **{f"arc{name}": f"a{name}" for name in ("cos", "cosh", "sin", "sinh", "tan", "tanh")},
    "arctan2": "atan2",
    "cumsum": "cumulative_sum",
    "cumprod": "cumulative_prod",
    "average": "mean",
    "concatenate": "concat",
    "cat": "concat",
    "hstack": "concat",
    "vstack": "concat",
    "append": "concat",
    "dstack": "stack",
    "column_stack": "stack",
    "array": "asarray",
    "copy": "asarray",
    "identity": "eye",
    "transpose": "permute_dims",
    "permute": "permute_dims",
    "swapaxes": "moveaxis",
    "unsqueeze": "expand_dims",
    "ravel": "reshape",
    "flatten": "reshape",
    "view": "reshape",
    "resize": "reshape",
    "mm": "matmul",
    "bmm": "matmul",
    "inner": "vecdot",
    "einsum": "tensordot",
    "norm": "linalg.vector_norm",
    "det": "linalg.det",
    "inv": "linalg.inv",
    "eigh": "linalg.eigh",
    "relu": "maximum",
    "invert": "bitwise_invert",
    "bitwise_not": "bitwise_invert",
}
"""Name in NumPy or torch -> name in the standard."""

BARE = {
    *("flags", "data", "strides", "itemsize", "nbytes", "base", "ctypes", "tobytes", "tolist", "item"),
    *("get", "set", "numpy", "cpu", "cuda", "detach", "requires_grad", "is_cuda", "data_ptr", "stream"),
}
"""Attributes for code that computes with the memory of a bare array, which records nothing."""


def remedy_for(name: str, known: Container[str], own: str) -> str:
    """Return the advice for a function or attribute of that name, or ``own`` if nothing better is known."""
    if name == "dot":
        return "write x @ y"
    if name in BARE:
        return "take the bare array, stop_gradient(x).value; what is computed with that has no derivative"
    other = INSTEAD.get(name, name)
    if other != name or name in known:
        return f"use xp.{other}, with xp = array_namespace(x)"
    return own


def nearest(name: str, known: Iterable[str], own: str) -> str:
    """Return the advice to use the most similar of the known names, or ``own`` if none is similar."""
    near = get_close_matches(name, list(known), n=1)
    return f"the nearest that has one is {near[0]}; else {own}" if near else own
