"""Derivatives of and by complex numbers, where real ones may not stand for them."""

from __future__ import annotations

import numpy as np
import pytest
from autodiff_checks import Place

from xpnet.autodiff import Variable, grad, hessian, hvp, jacobian, jvp, vjp
from xpnet.backend import array_namespace
from xpnet.cases.rules import CASES
from xpnet.errors import XpnetError

RNG = np.random.default_rng(2)
Z = RNG.standard_normal(3) + 1j * RNG.standard_normal(3)
V = RNG.standard_normal(3) + 1j * RNG.standard_normal(3)
X = RNG.standard_normal(3)


def energy(z):
    xp = array_namespace(z)
    return xp.sum(xp.abs(z) ** 4) + xp.real(xp.sum(z * z * z)) + xp.imag(z[0] * z[1])


def test_hvp_is_the_change_of_the_gradient(place: Place) -> None:
    h = 1e-5
    expected = (grad(energy)(Z + h * V) - grad(energy)(Z - h * V)) / (2 * h)
    found = hvp(energy, place.asarray(Z), place.asarray(V))
    np.testing.assert_allclose(place.to_numpy(found), expected, rtol=1e-8, atol=1e-8)


def test_jacobian_from_real_to_complex(place: Place) -> None:
    def f(x):
        xp = array_namespace(x)
        return xp.exp(xp.astype(x, xp.complex128) * 1j) * (1.0 + 2.0j)

    expected = np.diag(1j * np.exp(1j * X) * (1 + 2j))
    found = jacobian(f)(place.asarray(X))
    np.testing.assert_allclose(place.to_numpy(found), expected, rtol=1e-12)
    np.testing.assert_allclose(place.to_numpy(jvp(f, (place.asarray(X),), (place.asarray(X),))[1]), expected @ X)


def test_jacobian_of_an_analytic_function() -> None:
    a = RNG.standard_normal((2, 3)) + 1j * RNG.standard_normal((2, 3))
    np.testing.assert_allclose(jacobian(lambda z: a @ z)(Z), a)
    np.testing.assert_allclose(jacobian(lambda x, z: x * z, (0, 1))(X, Z)[0], np.diag(Z))


@pytest.mark.parametrize(
    "f",
    [
        lambda z: array_namespace(z).conj(z),
        lambda z: array_namespace(z).astype(array_namespace(z).abs(z), z.dtype),
        lambda z: z * array_namespace(z).conj(z),
        lambda z: array_namespace(z).abs(z),
        lambda z: array_namespace(z).real(z),
    ],
)
def test_jacobian_of_what_has_none(f) -> None:
    with pytest.raises(XpnetError, match="vjp"):
        jacobian(f)(Z)


def test_hessian_by_complex_arguments_is_refused() -> None:
    with pytest.raises(TypeError, match="use hvp"):
        hessian(energy)(Z)


def test_backward_of_a_complex_result_needs_a_vector() -> None:
    z = Variable(np.asarray(1.0 + 2.0j))
    with pytest.raises(TypeError, match="y must be real if dout is omitted"):
        (z * z).backward()
    (z * z).backward(1.0)
    assert complex(z.grad) == pytest.approx(np.conj(2.0 * (1.0 + 2.0j)))


@pytest.mark.parametrize("dout", [1.0j, np.asarray([1.0j, 1.0, 0.0])])
def test_a_complex_vector_for_a_real_result_is_refused(dout) -> None:
    for ask in (
        lambda: (Variable(X) * 2.0).backward(dout),
        lambda: vjp(lambda x: x * 2.0, X)[1](dout),
        lambda: jvp(lambda x: x * 2.0, (X,), (dout,)),
        lambda: hvp(lambda x: array_namespace(x).sum(x**3), X, dout),
    ):
        with pytest.raises(TypeError, match="must be real"):
            ask()


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("correction", [0.0, 1.0])
def test_spread_of_complex_numbers_against_torch(name, correction) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(Z, requires_grad=True)
    getattr(torch, name)(tensor, correction=correction).backward()
    g = grad(lambda z: getattr(array_namespace(z), name)(z, correction=correction))(Z)
    np.testing.assert_allclose(g, tensor.grad.numpy(), rtol=1e-12)


UNARY = sorted({case.name for case in CASES if case.is_complex and len(case.shapes) == 1 and "." not in case.name})


@pytest.mark.parametrize("name", UNARY)
def test_every_function_of_a_complex_argument_against_differences(name) -> None:
    """Along real and imaginary directions, at points in all four quadrants."""
    case = next(case for case in CASES if case.name == name and case.is_complex)
    (z,) = case.points()
    rng = np.random.default_rng(0)
    z = z * np.exp(0.5j * np.arange(z.size).reshape(z.shape))
    y = np.asarray(case.call(np, z))
    w = rng.standard_normal(y.shape) + (1j * rng.standard_normal(y.shape) if y.dtype.kind == "c" else 0.0)

    def scalar(z):
        xp = array_namespace(z)
        total = xp.sum(w * case.call(xp, z))
        return xp.real(total) if "complex" in str(total.dtype) else total

    g, h = grad(scalar)(z), 1e-6
    for v in (rng.standard_normal(z.shape) + 0j, 1j * rng.standard_normal(z.shape)):
        slope = float(scalar(z + h * v) - scalar(z - h * v)) / (2 * h)
        assert float(np.sum(np.conj(g) * v).real) == pytest.approx(slope, rel=1e-6, abs=1e-7)


def test_real_and_imaginary_parts_of_real_numbers() -> None:
    assert grad(lambda x: array_namespace(x).sum(np.asarray(X) * array_namespace(x).real(x)))(X).tolist() == X.tolist()
    assert grad(lambda x: array_namespace(x).sum(array_namespace(x).imag(x) + x))(X).tolist() == [1.0, 1.0, 1.0]
