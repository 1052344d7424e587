"""Cases of functions that act on each element."""

from __future__ import annotations

from xpnet.cases.rules.case import Case, Domain, above_one, away, case, positive, unit

PAIRS = (((3, 4), (3, 4)), ((3, 1), (4,)), ((2, 1, 3), (4, 1)), ((), (3,)))


def unary(name: str, domain: Domain | None = None) -> tuple[Case, ...]:
    """Return cases of a function of one operand, real and complex."""
    return case(name, (3, 1, 2), domain=domain), case(name, (5,), domain=domain, is_complex=True)


def binary(name: str, domain: Domain | None = None, constants: tuple[int, ...] = ()) -> tuple[Case, ...]:
    """Return cases of a function of two real operands that broadcast."""
    return tuple(
        case(name, *pair, label=" ".join(map(str, pair)), domain=domain, constants=constants) for pair in PAIRS
    )


def mixed(name: str, domain: Domain | None = None) -> tuple[Case, ...]:
    """Return cases of a function of two operands, of which both or one are complex."""
    return (
        *binary(name, domain),
        case(name, (3,), (2, 3), domain=domain, is_complex=True),
        case(name, (3,), (2, 3), domain=domain, label="mixed", dtypes=("float64", "complex128")),
    )


def power(number: float) -> Case:
    """Return cases of ``x ** number``."""
    return case("pow", (3, 2), call=lambda _, x: x**number, domain=positive, label=f"number {number}")


ONE_OPERAND = {
    None: (*("sin", "cos", "sinh", "cosh", "tan", "tanh", "exp", "expm1", "square", "negative", "positive", "asinh"),),
    unit: ("atan", "asin", "acos", "atanh"),
    above_one: ("acosh",),
    positive: ("log", "log2", "log10", "log1p", "sqrt", "reciprocal"),
    away: ("abs", "sign"),
}

CASES = (
    *(case for domain, names in ONE_OPERAND.items() for name in names for case in unary(name, domain)),
    case("conj", (3, 1, 2)),
    *(case(name, (4,), is_complex=True) for name in ("conj", "real", "imag")),
    *(case for name in ("add", "subtract", "multiply") for case in mixed(name)),
    *mixed("divide", positive),
    *mixed("pow", positive),
    *(case for name in ("maximum", "minimum", "logaddexp", "hypot", "atan2") for case in binary(name, away)),
    *binary("copysign", away, constants=(1,)),
    *binary("remainder", positive),
    *map(power, (2, 3, 0.5, 0, 1, -1)),
    case("pow", (3, 2), call=lambda _, x: 2.0**x, label="base number"),
    case("pow", (3, 2), call=lambda _, x: (2.0 + 0.0 * x) ** 3, label="constant"),
    case("clip", (4, 3), call=lambda xp, x: xp.clip(x, -0.5, 0.7), label="numbers"),
    case("clip", (4, 3), call=lambda xp, x: xp.clip(x, max=0.2), label="above"),
    case(
        "clip",
        *((4, 3), (3,), (4, 1)),
        call=lambda xp, x, a, b: xp.clip(x, min=-abs(a), max=abs(b)),
        label="arrays",
    ),
    case("clip", (4, 3), (3,), call=lambda xp, x, a: xp.clip(x, min=a), label="below"),
    case("where", (4, 3), (3,), (4, 1), call=lambda xp, x, a, b: xp.where(x > 0, a, b), constants=(0,)),
    case("where", (4, 3), call=lambda xp, a: xp.where(a > 0, a * a, 2.0 * a), label="itself"),
)
