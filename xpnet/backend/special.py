"""The special functions of each library, and their names where they differ from SciPy's."""

from __future__ import annotations

import importlib
from typing import Any

MODULES = {
    "numpy": "scipy.special",
    "cupy": "cupyx.scipy.special",
    "torch": "torch.special",
    "jax": "jax.scipy.special",
}
OTHER_NAMES = {
    "torch": {
        **{f"{kind}{n}": f"bessel_{kind}{n}" for kind in "jy" for n in (0, 1)},
        **{f"k{n}{end}": f"{'scaled_' * bool(end)}modified_bessel_k{n}" for end in ("", "e") for n in (0, 1)},
    }
}


def special_function(library: str, name: str) -> Any:
    """Return the library's own version of a SciPy special function, or None without one."""
    if library not in MODULES:
        return None
    try:
        module = importlib.import_module(MODULES[library])
    except ImportError:
        return None
    return getattr(module, OTHER_NAMES.get(library, {}).get(name, name), None)
