"""The heads of attention: their axes, their positions, and the pairs of positions that may meet."""

from __future__ import annotations

from math import log, log2
from typing import Any

from xpnet.backend import array_namespace, device_of, dtype_kind, dtype_name
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.initializers import check_size
from xpnet.typing import Array

POSITIONS = (None, "rotary", "alibi")
WAVES = 10000.0
"""The base of the wavelengths of rotary positions."""


def split_heads(x: Any, heads: int) -> Any:
    """Return the heads of each sample as an axis of their own, ``(N, L, A) -> (N, heads, L, E)``."""
    xp = array_namespace(x)
    N, L, A = x.shape
    return xp.permute_dims(xp.reshape(x, (N, L, heads, A // heads)), (0, 2, 1, 3))


def join_heads(x: Any) -> Any:
    """Return the heads of each position concatenated, ``(N, heads, L, E) -> (N, L, A)``."""
    xp = array_namespace(x)
    N, heads, L, E = x.shape
    return xp.reshape(xp.permute_dims(x, (0, 2, 1, 3)), (N, L, heads * E))


def for_each_head(x: Any, heads: int) -> Any:
    """Return keys or values once for each head of their group, ``(N, groups, S, E) -> (N, heads, S, E)``."""
    N, groups, S, E = x.shape
    if groups == heads:
        return x
    xp = array_namespace(x)
    x = xp.broadcast_to(x[:, :, None, :, :], (N, groups, heads // groups, S, E))
    return xp.reshape(x, (N, heads, S, E))


def sum_over_groups(d: Any, groups: int) -> Any:
    """Return the sum over the heads of each group, the way back of ``for_each_head``."""
    N, heads, S, E = d.shape
    if groups == heads:
        return d
    xp = array_namespace(d)
    return xp.sum(xp.reshape(d, (N, groups, heads // groups, S, E)), axis=2)


def rotation(x: Any, start: int) -> tuple[Any, Any]:
    """Return the cosine and sine of the angles ``(start + t) / 10000^(2i/E)`` for heads x, ``(L, E / 2)`` each."""
    xp = array_namespace(x)
    L, E = x.shape[-2:]
    like = {"dtype": x.dtype, "device": device_of(x)}
    t = xp.arange(L, **like) + start
    angles = t[:, None] * xp.exp(xp.arange(E // 2, **like) * (-2.0 * log(WAVES) / E))[None, :]
    return xp.cos(angles), xp.sin(angles)


def turned(x: Any, cos: Any, sin: Any) -> Any:
    """Return each pair of columns turned by its angle, ``x₂ᵢ cos - x₂ᵢ₊₁ sin`` and ``x₂ᵢ sin + x₂ᵢ₊₁ cos``."""
    xp = array_namespace(x, cos)
    pairs = xp.reshape(x, (*x.shape[:-1], x.shape[-1] // 2, 2))
    even, odd = pairs[..., 0], pairs[..., 1]
    both = xp.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1)
    return xp.reshape(both, x.shape)


def slopes(heads: int) -> list[float]:
    """Return the slope of each head of ALiBi, ``2^(-8 h / heads)``, with every second of twice as many in between.

    Source: Press et al., 2022, "Train short, test long", section 3, and its code for other numbers than powers of 2.
    """
    power = 1 << int(log2(heads))
    found = [2.0 ** (-8.0 * (h + 1) / power) for h in range(power)]
    return found + [2.0 ** (-4.0 * (h + 1) / power) for h in range(0, 2 * power, 2)][: heads - power]


def distances(x: Any, L: int, S: int, start: int) -> Any:
    """Return how far each of S keys is behind each of L queries, the first of which is at ``start``, ``(L, S)``."""
    xp = array_namespace(x)
    device = device_of(x)
    return (xp.arange(L, device=device) + start)[:, None] - xp.arange(S, device=device)[None, :]


def check_heads(who: str, heads: int, width: int, kv_heads: int | None = None, positions: Any = None) -> None:
    """Raise ArgumentError unless the width falls into that many equal parts, and the heads into groups."""
    check_size(who, "heads", heads)
    check_size(who, "the width", width)
    if width % heads:
        raise ArgumentError(who, f"heads must divide the width {width}", heads, one_of_divisors(width))
    if kv_heads is not None:
        check_size(who, "kv_heads", kv_heads)
        if heads % kv_heads:
            raise ArgumentError(who, f"kv_heads must divide the {heads} heads", kv_heads, one_of_divisors(heads))
    if positions not in POSITIONS:
        remedy = "None leaves positions to an embedding"
        raise ArgumentError(who, "positions must be None, 'rotary' or 'alibi'", repr(positions), remedy)
    if positions == "rotary" and width // heads % 2:
        must = "rotary positions must have pairs of columns, an even width for each head"
        raise ArgumentError(who, must, width // heads, "choose another number of heads")


def one_of_divisors(whole: int) -> str:
    return f"choose one of {', '.join(str(n) for n in range(1, whole + 1) if whole % n == 0)}"


def check_mask(who: str, name: str, mask: Array | None, shapes: list[tuple[Any, ...]]) -> None:
    """Raise unless the mask is bool and of one of some shapes, in which a letter is the size of another array.

    Raises: ``DtypeError``, ``ShapeError``.
    """
    if mask is None:
        return
    if dtype_kind(mask) != "bool":
        remedy = "compare first, for example lengths[:, None] > steps"
        raise DtypeError(who, f"{name} must be bool", dtype_name(mask.dtype), remedy)
    given = tuple(mask.shape)
    for shape in shapes:
        if len(shape) == len(given) and all(n in (size, *more) for n, (size, *more) in zip(given, shape, strict=True)):
            return
    told = " or ".join(f"({', '.join(' or '.join(map(str, sizes)) for sizes in shape)})" for shape in shapes)
    raise ShapeError(who, f"{name} must be {told}", given, "give it such a shape")
