"""The error function of jax."""

from __future__ import annotations

from typing import Any

from jax.scipy import special

from xpnet.kernels.standard.erf import erf


@erf.on("jax")
def exact_erf(x: Any) -> Any:
    return special.erf(x)
