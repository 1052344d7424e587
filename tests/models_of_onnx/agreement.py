"""The comparison of outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def close(found: Sequence[Any], wanted: Any) -> None:
    """Compare outputs to 1e-5 of the largest value."""
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        if other.size:
            assert np.abs(one - other).max() <= 1e-5 * max(np.abs(other).max(), 1e-3)
