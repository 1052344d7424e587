"""Whether compiled bodies are taken."""

from __future__ import annotations

import os
import warnings
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

SWITCH = "XPNET_FAST"


def status() -> str:
    """Whether the compiled bodies are taken here, in words."""
    if find_spec("numba") is None:
        return "not here, pip install 'xpnet[fast]' brings them"
    if os.environ.get(SWITCH) == "0":
        return f"off, {SWITCH}=0"
    return f"off, numba does not work here: {why}" if (why := obstacle()) else f"numba {version('numba')}"


@cache
def obstacle() -> str:
    """Why the numba that is installed cannot compile here, as one that does not know this NumPy; "" where it can."""
    try:
        import_module("xpnet.fast.numba.compiler")
    except ImportError as error:
        return str(error)
    return ""


def available() -> bool:
    """Import the compiled bodies; whether they are to be taken.

    Warns where numba is installed and does not work: whoever installed it expects its speed.
    """
    if os.environ.get(SWITCH) == "0" or find_spec("numba") is None:
        return False
    if why := obstacle():
        remedy = f"install one that fits this NumPy, or set {SWITCH}=0 to do without its speed"
        warnings.warn(f"xpnet: numba must work, got {why}; {remedy}", stacklevel=1)
        return False
    import_module("xpnet.fast.numba")
    return True
