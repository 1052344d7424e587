"""The functions that torch has in addition to the standard: the error function."""

from __future__ import annotations

from typing import Any

import torch

from xpnet.kernels.erf import erf


@erf.on("torch")
def exact_erf(x: Any) -> Any:
    return torch.special.erf(x)


def names() -> tuple[str, ...]:
    return ("torch",)
