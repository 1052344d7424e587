"""The choice whether compiled bodies are used."""

from __future__ import annotations

import os
import warnings
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

SWITCH = "XPNET_FAST"


def status(tries: bool = True) -> str:
    """Return in words whether the compiled bodies are used here; without ``tries`` numba is not imported."""
    if find_spec("numba") is None:
        return "not here, pip install 'xpnet[fast]' brings them"
    if os.environ.get(SWITCH) == "0":
        return f"off, {SWITCH}=0"
    return f"off, numba does not work here: {why}" if tries and (why := obstacle()) else f"numba {version('numba')}"


@cache
def obstacle() -> str:
    """Return the reason that the installed numba cannot compile here, such as an unknown NumPy; "" if it can."""
    try:
        import_module("xpnet.fast.numba.compiler")
    except ImportError as error:
        return str(error)
    return ""


def available() -> bool:
    """Import the compiled bodies, and return whether they are to be used.

    Warns if numba is installed but does not work: whoever installed it expects its speed.
    """
    if os.environ.get(SWITCH) == "0" or find_spec("numba") is None:
        return False
    if why := obstacle():
        remedy = f"install one that fits this NumPy, or set {SWITCH}=0 to do without its speed"
        warnings.warn(f"xpnet: numba must work, got {why}; {remedy}", stacklevel=1)
        return False
    import_module("xpnet.fast.numba")
    return True
