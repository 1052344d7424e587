"""The names with which each file of the book begins: ``np``, NumPy or CuPy, and ``GPU``, which tells."""

from __future__ import annotations

from typing import Any

from xpnet.backend import get_backend, set_backend
from xpnet.book import arrays
from xpnet.book.sequel import config

__all__ = ["GPU", "np"]


def on_cupy() -> bool:
    """Return whether new arrays are CuPy's."""
    return get_backend().library.name == "cupy"


def __getattr__(name: str) -> Any:
    """Return ``np`` or ``GPU`` for the current backend."""
    return on_cupy() if name == "GPU" else arrays.__getattr__(name)


if config.GPU and not on_cupy():
    set_backend("cupy")
