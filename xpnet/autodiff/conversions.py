"""Conversions to bare arrays, which compiled code needs: allowed for constants, refused if history would be lost."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import numpy as np

from xpnet.autodiff.nodes import CONSTANT
from xpnet.autodiff.table import base
from xpnet.errors import LibraryError

THROUGH = ("xpnet", "numpy", "cupy", "array_api_compat", "array_api_extra", "contextlib", "functools")
"""Packages that convert on behalf of others, and are skipped when the caller is named."""


def to_numpy_array(x: Any, dtype: Any = None, copy: bool | None = None) -> Any:
    """Return the values of a constant as a NumPy array, as the library itself would.

    Raises: ``LibraryError`` for a Variable that has a derivative, whose history would be lost.
    """
    if _has_history(x):
        _refuse("NumPy")
    host = np.asarray(x.value, dtype=dtype)
    return host.copy() if copy else host


def to_cupy_array(x: Any) -> Any:
    """Return the array of a constant for CuPy.

    Raises: ``LibraryError`` for a Variable that has a derivative, whose history would be lost.
    """
    if _has_history(x):
        _refuse("CuPy")
    return x.value


def _has_history(x: Any) -> bool:
    return x.node.trace is not CONSTANT or x.value is not base(x)


def _refuse(to: str) -> NoReturn:
    raise LibraryError(
        "Variable",
        "its functions must come from its own namespace, which records them",
        f"a conversion to a {to} array{by_whom()}",
        "use xp = array_namespace(x) and xp.concat([x, y]); a function that needs bare arrays gets a derivative by "
        "xn.custom_vjp, one of the host by xn.pure_callback inside it; for the bare values stop_gradient(x).value",
    )


def by_whom() -> str:
    """Return the name of the function that asks; of an installed package, that of its outermost public function."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and _package(frame) in THROUGH:
        frame = frame.f_back
    if frame is None:
        return ""
    if "site-packages" not in frame.f_code.co_filename:
        return _place(frame)
    package, found = _package(frame), frame
    while frame is not None and _package(frame) in (package, *THROUGH):
        name = frame.f_code.co_qualname.removesuffix(".__init__")
        if _package(frame) == package and "<" not in name and not name.startswith("_"):
            found = frame
        frame = frame.f_back
    modules = str(found.f_globals["__name__"]).split(".")
    parts = [part for part in modules if not part.startswith("_")]
    return f" by {'.'.join(parts)}.{found.f_code.co_qualname.removesuffix('.__init__')}"


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _place(frame: FrameType) -> str:
    code = frame.f_code
    name = code.co_name if "<" not in code.co_name else "code"
    return f" by {name}, line {frame.f_lineno} of {Path(code.co_filename).name}"
