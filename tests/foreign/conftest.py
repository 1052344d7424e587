"""SciPy reads once, when it is imported, whether it takes arrays of other libraries: these tests run by themselves."""

from __future__ import annotations

import importlib.util
import os

NEEDED = (
    *("scipy", "sklearn", "array_api_extra", "xarray", "pint", "einops"),
    *("glass", "distmarg", "array_api_signal", "array_api_negative_index"),
)
if os.environ.get("SCIPY_ARRAY_API") != "1" or not all(map(importlib.util.find_spec, NEEDED)):
    collect_ignore_glob = ["test_*.py"]
