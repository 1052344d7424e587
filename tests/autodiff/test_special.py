"""The special functions of Variables: values as SciPy's, derivatives as differences, on every library that has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autodiff_checks import PRESENT, Place, slope
from cuda_device import named_device

import xpnet as xn
from xpnet.autodiff import RuleMissingError, Variable, grad
from xpnet.autodiff.rules.special import SPECIAL
from xpnet.autodiff.special import MADE_OF, OTHER_NAMES
from xpnet.backend import array_namespace
from xpnet.errors import DerivativeError, LibraryError

scipy_special = pytest.importorskip("scipy.special")

# Arguments at which a function is smooth, where 1.3, 0.7, 0.9 will not do
POINTS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("erfinv", "ndtri", "logit", "ellipk", "ellipkm1", "ellipe"), (0.3,)),
    **dict.fromkeys(("gammaincinv", "gammainccinv"), (2.0, 0.4)),
    **dict.fromkeys(("betainc", "betaincc", "betaincinv"), (2.0, 3.0, 0.4)),
    **dict.fromkeys(("chdtri", "stdtrit"), (3.0, 0.4)),
    **dict.fromkeys(("fdtr", "fdtrc", "fdtri"), (3.0, 4.0, 0.7)),
    **dict.fromkeys(("bdtr", "bdtrc", "bdtri", "nbdtr", "nbdtrc", "nbdtri"), (2, 5, 0.3)),
    **dict.fromkeys(("yn", "kn", "expn", "eval_hermite", "eval_hermitenorm"), (3, 1.3)),
    **dict.fromkeys(("eval_legendre", "eval_chebyt", "eval_chebyu"), (3.0, 0.6)),
    "ndtri_exp": (-0.8,),
    "lpmv": (1.0, 3.0, 0.4),
    "pdtri": (2.0, 0.4),
    "erfcinv": (0.6,),
    "polygamma": (2, 1.7),
    "multigammaln": (4.2, 3),
    "zeta": (2.5, 1.4),
    "hyp1f1": (1.2, 2.3, 0.7),
    "hyp2f1": (1.2, 2.3, 3.1, 0.4),
    "binom": (5.3, 2.2),
    "pdtr": (2.0, 1.3),
    "pdtrc": (2.0, 1.3),
    "huber": (0.5, 1.3),
}
MORE = {  # where a formula changes, or a quotient has a limit
    **dict.fromkeys(("exprel", "sinc", "i1", "j1"), (0.0, 0.05, -0.6, 2.3, -1.3)),
    **dict.fromkeys(("i0e", "i1e"), (0.05, -0.6, 2.3, -1.3)),
    "i0": (0.0, -1.3),
}
WHOLE = {("polygamma", 0), ("multigammaln", 1), ("lpmv", 0)}
WHOLE |= {(name, 0) for name in ("yn", "kn", "expn", "eval_hermite", "eval_hermitenorm")}
WHOLE |= {(name, at) for name in ("bdtr", "bdtrc", "bdtri", "nbdtr", "nbdtrc", "nbdtri") for at in (0, 1)}


# CuPy compiles these from headers of its own, xsf, that g++ refuses: the pretended CUDA cannot run them
XSF = {
    *("log_ndtr", "gamma", "gammaln", "loggamma", "rgamma", "digamma", "psi", "polygamma", "multigammaln"),
    *("beta", "betaln", "binom", "poch", "i0", "i1", "i0e", "i1e", "k0", "k1", "k0e", "k1e"),
}


def points(name: str) -> list[tuple[Any, ...]]:
    usual = POINTS.get(name, (1.3, 0.7, 0.9)[: len(SPECIAL[name].gradients)])
    return [usual, *((x,) for x in MORE.get(name, ()))]


def skip_what_cannot_be_pretended(name: str, place: Place) -> None:
    if place.name == "cupy" and name in XSF and named_device() == "pretend CUDA":
        pytest.skip("g++ does not compile CuPy's xsf")


def smooth(name: str) -> list[int]:
    return [at for at, gradient in enumerate(SPECIAL[name].gradients) if gradient.__name__ != "refuse"]


def special(name: str, args: tuple[Any, ...], at: int, x: Any) -> Any:
    """The function with x in the place of one argument."""
    return getattr(array_namespace(x).special, name)(*args[:at], x, *args[at + 1 :])


@pytest.mark.parametrize("name", SPECIAL)
def test_first_and_second_derivatives(name: str) -> None:
    for args in points(name):
        for at in smooth(name):
            x = np.asarray(args[at], dtype=np.float64)

            def plain(x: Any, args: Any = args, at: int = at) -> Any:
                return getattr(scipy_special, name)(*args[:at], x, *args[at + 1 :])

            def traced(x: Any, args: Any = args, at: int = at) -> Any:
                return special(name, args, at, x)

            assert float(traced(Variable(x)).value) == pytest.approx(float(plain(x)), rel=1e-12)
            first = grad(traced)
            one = [np.asarray(1.0)]
            assert float(first(x)) == pytest.approx(slope(plain, [x], one, 1e-3), rel=1e-7, abs=1e-9)
            assert float(grad(first)(x)) == pytest.approx(slope(first, [x], one, 1e-3), rel=1e-6, abs=1e-7)


# a pretended CUDA compiles every function: every third
PAIRS = [(name, library) for library in PRESENT for name in (list(SPECIAL)[::3] if library == "cupy" else SPECIAL)]


@pytest.mark.parametrize(("name", "place"), PAIRS, indirect=["place"])
def test_every_library_gives_what_scipy_gives_or_names_what_it_lacks(name: str, place: Place) -> None:
    args, ats = points(name)[0], smooth(name)
    if not ats:
        return
    skip_what_cannot_be_pretended(name, place)
    x = np.asarray([args[ats[-1]], 1.01 * args[ats[-1]]])
    with xn.use_backend("numpy", dtype="float64"):
        expected = grad(lambda x: array_namespace(x).sum(special(name, args, ats[-1], x)))(x)
    try:
        found = grad(lambda x: array_namespace(x).sum(special(name, args, ats[-1], x)))(place.asarray(x))
    except LibraryError as error:
        assert f"{place.backend.name} must have it" in str(error)  # noqa: PT017 (either is right, by library)
        assert place.name != "numpy"
        return
    np.testing.assert_allclose(place.to_numpy(found), expected, rtol=1e-9)


@pytest.mark.parametrize("name", [name for name in SPECIAL if len(smooth(name)) < len(SPECIAL[name].gradients)])
def test_an_argument_without_a_formula_has_a_value_and_refuses_backward(name: str) -> None:
    args = points(name)[0]
    for at in set(range(len(args))) - set(smooth(name)):
        if (name, at) in WHOLE:
            continue
        y = special(name, args, at, Variable(np.asarray(args[at])))
        assert float(y.value) == pytest.approx(float(getattr(scipy_special, name)(*args)), rel=1e-12)
        with pytest.raises(DerivativeError, match=rf"special\.{name}: .*argument {at}"):
            y.backward()


def test_a_name_without_a_rule_is_refused_with_the_nearest() -> None:
    xp = array_namespace(Variable(np.asarray(1.0)))
    with pytest.raises(RuleMissingError, match="digamma"):
        xp.special.digama  # noqa: B018


@pytest.mark.parametrize("name", [*MADE_OF, *OTHER_NAMES])
def test_what_is_made_of_others(name: str, place: Place) -> None:
    skip_what_cannot_be_pretended(name, place)
    x = np.asarray([[0.3, 1.2, 2.1], [0.4, 0.2, 0.9]])
    more = ({"axis": 1},) if name in ("softmax", "log_softmax", "logsumexp") else (0.7,) if "boxcox" in name else ()

    def call(space: Any, x: Any) -> Any:
        named = more[0] if more and type(more[0]) is dict else {}
        return getattr(space, name)(x, *(() if named else more), **named)

    try:
        y = call(array_namespace(Variable(place.asarray(x))).special, Variable(place.asarray(x)))
    except LibraryError:
        assert place.name == "array-api-strict"
        return
    np.testing.assert_allclose(place.to_numpy(y), call(scipy_special, x), rtol=1e-12)
    w = np.asarray([1.0, -2.0, 0.5])

    def scalar(x: Any) -> Any:
        xp = array_namespace(x)
        y = call(xp.special, x)
        return xp.sum(y * y * (place.asarray(w) if y.ndim == 2 else 1.0))

    v = np.ones_like(x)

    def plain(x: Any) -> Any:
        y = call(scipy_special, x)
        return np.sum(y * y * (w if y.ndim == 2 else 1.0))

    found = place.to_numpy(grad(scalar)(place.asarray(x)))
    assert float(np.sum(found * v)) == pytest.approx(slope(plain, [x], [v], 1e-3), rel=1e-6, abs=1e-9)


def test_logsumexp_of_infinities() -> None:
    x = np.asarray([[-np.inf, 0.0], [-np.inf, -np.inf]])
    y = array_namespace(Variable(x)).special.logsumexp(Variable(x[:1]), axis=1)
    np.testing.assert_array_equal(y.value, [0.0])


def test_boxcox_at_an_exponent_of_zero() -> None:
    x, at = np.asarray(1.7), np.asarray(0.0)
    found = grad(lambda a: array_namespace(a).special.boxcox(x, a))(at)
    assert float(found) == pytest.approx(0.5 * np.log(1.7) ** 2, rel=1e-12)
