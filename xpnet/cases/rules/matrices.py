"""Cases of inverses, determinants and decompositions, real and complex."""

from __future__ import annotations

from typing import Any

from xpnet.cases.rules.case import Case, Shape, case

SHAPES = ((2, 3, 4), (4, 3), (3, 3))


def regular(xp: Any, x: Any) -> Any:
    """Return ``x + 3 I``, far from singular."""
    return x + xp.eye(x.shape[-1], dtype=x.dtype, device=x.device) * 3.0


def conjugate(xp: Any, x: Any) -> Any:
    """Return ``conj(x)`` of complex arrays, real ones unchanged."""
    return xp.conj(x) if "complex" in str(x.dtype) else x


def hermitian(xp: Any, x: Any) -> Any:
    """Return ``x + xᴴ``."""
    return x + conjugate(xp, x).mT


def definite(xp: Any, x: Any) -> Any:
    """Return ``x xᴴ + 3 I``."""
    return regular(xp, x @ conjugate(xp, x).mT)


def phase_free(xp: Any, u: Any) -> Any:
    """Return ``uᵢ conj(uⱼ)`` of each vector, which does not depend on the phase that a library chooses."""
    return u[..., None, :, :] * conjugate(xp, u)[..., :, None, :]


def sine(xp: Any, a: Any) -> Any:
    """Return ``V sin(λ) V⁻¹``, which does not depend on the order and phase of a library's eigenvectors."""
    values, vectors = xp.linalg.eig(a)
    return xp.real((vectors * xp.sin(values)[..., None, :]) @ xp.linalg.inv(vectors))


def sizes(xp: Any, a: Any) -> Any:
    """Return the mean of ``|v|³`` of each element over the eigenvectors."""
    return xp.mean(xp.abs(xp.linalg.eig(a)[1]) ** 3, axis=-1)


def solving(*shapes: Shape, label: str = "", is_complex: bool) -> Case:
    """Return a case of ``solve`` with a regular matrix."""
    return case(
        "linalg.solve",
        *shapes,
        call=lambda xp, a, b: xp.linalg.solve(regular(xp, a), b),
        label=label,
        is_complex=is_complex,
    )


def square(name: str, call: Any, label: str = "", shape: Shape = (2, 3, 3), *, is_complex: bool) -> Case:
    """Return a case of a function of square matrices."""
    return case(f"linalg.{name}", shape, call=call, label=label, is_complex=is_complex)


def of_square_matrices(is_complex: bool) -> tuple[Case, ...]:
    """Return cases of functions of square matrices."""

    def one(name: str, call: Any, label: str = "", shape: Shape = (2, 3, 3)) -> Case:
        return square(name, call, label, shape, is_complex=is_complex)

    return (
        one("inv", lambda xp, a: xp.linalg.inv(regular(xp, a))),
        solving((2, 3, 3), (2, 3, 2), is_complex=is_complex),
        solving((2, 3, 3), (3,), label="vector", is_complex=is_complex),
        solving((3, 3), (2, 3, 1), label="broadcast", is_complex=is_complex),
        one("det", lambda xp, a: xp.linalg.det(regular(xp, a))),
        one("slogdet", lambda xp, a: xp.linalg.slogdet(regular(xp, a)).logabsdet),
        one("slogdet", lambda xp, a: xp.linalg.slogdet(regular(xp, a))[0] * (1.0 + a[..., 0, 0]), "sign"),
        one("cholesky", lambda xp, a: xp.linalg.cholesky(definite(xp, a))),
        one("cholesky", lambda xp, a: xp.linalg.cholesky(definite(xp, a), upper=True), "upper", (3, 3)),
        one("eigvalsh", lambda xp, a: xp.linalg.eigvalsh(hermitian(xp, a))),
        one("eigh", lambda xp, a: xp.linalg.eigh(hermitian(xp, a)).eigenvalues, "values"),
        one("eigh", lambda xp, a: phase_free(xp, xp.linalg.eigh(hermitian(xp, a))[1]), "vectors"),
        one("eigvals", lambda xp, a: xp.mean(xp.abs(xp.linalg.eigvals(a)), axis=-1)),
        one("eig", lambda xp, a: xp.mean(xp.real(xp.exp(xp.linalg.eig(a)[0])), axis=-1), "values"),
        one("eig", sine, "function of a matrix"),
        one("eig", sizes, "vectors"),
    )


def of_any_matrices(is_complex: bool) -> tuple[Case, ...]:
    """Return cases of functions of matrices of any shape."""

    def each(name: str, call: Any, label: str = "") -> list[Case]:
        return [
            case(f"linalg.{name}", shape, call=call, label=f"{label} {shape}".strip(), is_complex=is_complex)
            for shape in SHAPES
        ]

    return (
        case("linalg.svdvals", (2, 3, 4), is_complex=is_complex),
        *each("svd", lambda xp, a: xp.linalg.svd(a, full_matrices=False).S, "S"),
        *each("svd", lambda xp, a: phase_free(xp, xp.linalg.svd(a, full_matrices=False).U), "U"),
        *each("svd", lambda xp, a: phase_free(xp, xp.linalg.svd(a, full_matrices=False).Vh.mT), "V"),
        *each("pinv", lambda xp, a: xp.linalg.pinv(a)),
        *each("qr", lambda xp, a: xp.linalg.qr(a).Q, "Q"),
        *each("qr", lambda xp, a: xp.linalg.qr(a).R, "R"),
        case("linalg.svd", (3, 4), call=lambda xp, a: xp.linalg.svd(a).S, label="full", is_complex=is_complex),
    )


CASES = (
    *of_square_matrices(False),
    *of_any_matrices(False),
    *of_square_matrices(True),
    *of_any_matrices(True),
)
