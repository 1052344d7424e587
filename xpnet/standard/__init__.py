"""The functions of the array API standard as Variables have them: signature, types, value and derivative.

An editor completes these declarations, and the functions of the namespace take their arguments and help from them:
there is no second table. ``dout`` is the gradient that arrives at the result ``y``; that of an argument ``x`` is
``dx``.

Source: Python array API standard, 2024.12; ``isin``, ``broadcast_shapes``, ``eig`` and ``eigvals`` 2025.12.
"""

from __future__ import annotations

from inspect import getmembers_static
from typing import Any, Protocol

from xpnet.standard.arithmetic import Arithmetic
from xpnet.standard.comparison import Comparison
from xpnet.standard.creation import Constants, Creation
from xpnet.standard.fft import Fft
from xpnet.standard.linalg import Linalg, Products
from xpnet.standard.manipulation import Manipulation
from xpnet.standard.reduction import Reduction, Search


class Standard(Arithmetic, Comparison, Creation, Manipulation, Reduction, Search, Products, Constants, Protocol):
    """The namespace of the standard, ``xp: Standard = array_namespace(x)``."""

    linalg: Linalg
    fft: Fft


def declared(kind: type, prefix: str = "") -> dict[str, Any]:
    """Full name -> the declaration of each function of a part of the standard."""
    members = getmembers_static(kind, lambda member: isinstance(member, staticmethod))
    return {prefix + name: function.__func__ for name, function in members if not name.startswith("_")}


FUNCTIONS: dict[str, Any] = {**declared(Standard), **declared(Linalg, "linalg."), **declared(Fft, "fft.")}
