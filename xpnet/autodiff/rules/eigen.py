# ruff: noqa: ARG001 (a rule takes all that its function takes)
"""The rule of the eigenvalues and eigenvectors of general matrices.

Vectors have length 1 and a phase that the library chooses. The derivative does not exist, and the result is NaN, for a
function that depends on the phase of the vectors, for one that treats equal eigenvalues or their vectors differently,
and if two vectors are parallel, so that the matrix has no basis of eigenvectors.

Source: C. Boeddeker, P. Hanebrink, L. Drude, J. Heymann, R. Haeb-Umbach, On the computation of complex-valued
gradients with application to statistically optimum beamforming, 2017, section 4.6; M. Giles, An extended collection of
matrix derivative results, 2008, section 3.1.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from xpnet.autodiff.batching.ways import leading
from xpnet.autodiff.rules.elementwise import conj, keep_where
from xpnet.autodiff.rules.linear import mt
from xpnet.autodiff.table import composite, rule
from xpnet.backend import array_namespace, device_of
from xpnet.kernels import solve


class EigResult(NamedTuple):
    """Eigenvalues and eigenvectors."""

    eigenvalues: Any
    eigenvectors: Any


def _eig(g: Any, y: Any, a: Any) -> Any:
    """Return ``V⁻ᴴ (diag gλ + (Vᴴ gV - Vᴴ V Re diag(Vᴴ gV)) / conj(λⱼ - λᵢ)) Vᴴ``."""
    (g_values, g_vectors), (values, vectors) = g, y
    xp = array_namespace(values, vectors, g_values, g_vectors)
    g_values = xp.zeros_like(values) if g_values is None else conj(g_values)
    adjoint = conj(mt(vectors))
    eye = xp.eye(values.shape[-1], dtype=values.dtype, device=device_of(values))
    gram, other = adjoint @ vectors, xp.real(eye) == 0
    gaps = conj(values[..., None, :] - values[..., :, None])
    equal = (gaps == 0) & other
    inner = g_values[..., None, :] * eye
    eps = float(xp.finfo(values.dtype).eps)
    wrong = (equal & (g_values[..., None, :] != g_values[..., :, None])) | (other & (xp.abs(gram) > 1.0 - 64.0 * eps))
    if g_vectors is not None:
        turn = adjoint @ conj(g_vectors)
        along = xp.sum(turn * eye, axis=-2, keepdims=True)
        across = turn - gram * xp.astype(xp.real(along), turn.dtype)
        inner = inner + keep_where(other & ~equal, across) / xp.where(gaps == 0, xp.ones_like(gaps), gaps)
        sizes = xp.abs(turn) + xp.abs(g_values * values)[..., None, :]
        rounding = math.sqrt(eps) * xp.max(sizes, axis=(-2, -1), keepdims=True)
        wrong = wrong | (equal & (xp.abs(across) > rounding)) | (xp.abs(xp.imag(along)) > rounding)
    nan = xp.full_like(inner, math.nan)
    inner = xp.where(xp.any(wrong, axis=(-2, -1), keepdims=True), nan, inner)
    return conj(solve(adjoint, inner @ adjoint))


rule(
    "linalg.eig",
    _eig,
    outputs=EigResult,
    fits=True,
    batch=leading,
    note="NaN by equal eigenvalues, where they are treated differently, and by the phase of vectors",
)


@composite("linalg.eigvals", "NaN by equal eigenvalues, where they are treated differently")
def _eigvals(xp: Any, x: Any, /) -> Any:
    """Return the eigenvalues of ``eig``."""
    return xp.linalg.eig(x).eigenvalues
