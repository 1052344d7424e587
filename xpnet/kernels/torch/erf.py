"""The error function of torch."""

from __future__ import annotations

from typing import Any

import torch

from xpnet.kernels.standard.erf import erf


@erf.on("torch")
def exact_erf(x: Any) -> Any:
    return torch.special.erf(x)
