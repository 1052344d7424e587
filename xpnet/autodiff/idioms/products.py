"""Products of vectors and matrices, and ``einsum``, under NumPy's names."""

from __future__ import annotations

import math
from typing import Any

from xpnet.autodiff.idioms.shapes import diagonal
from xpnet.autodiff.idioms.table import arrays, idiom
from xpnet.autodiff.rules.elementwise import conj
from xpnet.autodiff.table import base
from xpnet.backend import device_of


@idiom("dot")
def dot(xp: Any, a: Any, b: Any) -> Any:
    a, b = arrays(xp, [a, b])
    if min(len(a.shape), len(b.shape)) == 0:
        return a * b
    return xp.tensordot(a, b, axes=((-1,), (max(len(b.shape) - 2, 0),)))


@idiom("vdot")
def _vdot(xp: Any, a: Any, b: Any) -> Any:
    return xp.sum(conj(xp.reshape(a, (-1,))) * xp.reshape(b, (-1,)))


@idiom("inner")
def _inner(xp: Any, a: Any, b: Any) -> Any:
    a, b = arrays(xp, [a, b])
    if min(len(a.shape), len(b.shape)) == 0:
        return a * b
    return xp.tensordot(a, b, axes=((-1,), (-1,)))


@idiom("outer", "linalg.outer")
def _outer(xp: Any, a: Any, b: Any) -> Any:
    return xp.reshape(a, (-1, 1)) * xp.reshape(b, (1, -1))


@idiom("tensordot")
def _tensordot(xp: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    if not isinstance(axes, int):
        axes = tuple((some,) if isinstance(some, int) else tuple(some) for some in axes)
    return xp.tensordot(a, b, axes=axes)


@idiom("vecdot", "linalg.vecdot")
def _vecdot(xp: Any, x1: Any, x2: Any, axis: int = -1) -> Any:
    return xp.vecdot(x1, x2, axis=axis)


@idiom("matvec")
def _matvec(_: Any, x1: Any, x2: Any) -> Any:
    return (x1 @ x2[..., None])[..., 0]


@idiom("vecmat")
def _vecmat(_: Any, x1: Any, x2: Any) -> Any:
    return (conj(x1)[..., None, :] @ x2)[..., 0, :]


@idiom("kron")
def _kron(xp: Any, a: Any, b: Any) -> Any:
    ndim = max(len(a.shape), len(b.shape))
    one, two = ((1,) * (ndim - len(x.shape)) + tuple(x.shape) for x in (a, b))
    left = xp.reshape(a, tuple(n for size in one for n in (size, 1)))
    right = xp.reshape(b, tuple(n for size in two for n in (1, size)))
    return xp.reshape(left * right, tuple(m * n for m, n in zip(one, two, strict=True)))


@idiom("cross")
def _cross(xp: Any, a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    a, b = xp.moveaxis(a, axisa, -1), xp.moveaxis(b, axisb, -1)
    if a.shape[-1] == b.shape[-1] == 2:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = (x if x.shape[-1] == 3 else xp.concat([x, xp.zeros_like(x[..., :1])], axis=-1) for x in (a, b))
    return xp.moveaxis(xp.linalg.cross(*xp.broadcast_arrays(a, b)), -1, axisc)


@idiom("trace")
def _trace(xp: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return xp.sum(diagonal(xp, a, offset, axis1, axis2), axis=-1, dtype=dtype)


@idiom("einsum")
def einsum(xp: Any, subscripts: Any, *operands: Any, optimize: Any = False) -> Any:  # noqa: ARG001 (NumPy's)
    """Return the sum of products that the subscripts describe, as matrix products of one operand after another."""
    if not isinstance(subscripts, str):
        subscripts, operands = _from_lists(subscripts, *operands)
    names, result = _letters(subscripts.replace(" ", ""), [len(x.shape) for x in operands])
    terms = [_without_repeats(xp, x, letters) for x, letters in zip(operands, names, strict=True)]
    x, letters = terms[0]
    for at, (y, more) in enumerate(terms[1:], 1):
        later = set(result).union(*(other for _, other in terms[at + 1 :]))
        x, letters = _contracted(xp, x, letters, y, more, later)
    gone = tuple(at for at, letter in enumerate(letters) if letter not in result)
    x = xp.sum(x, axis=gone) if gone else x
    letters = [letter for letter in letters if letter in result]
    order = tuple(letters.index(letter) for letter in result)
    return xp.permute_dims(x, order) if order != tuple(range(len(order))) else x


def _from_lists(*given: Any) -> tuple[str, tuple[Any, ...]]:
    """Return subscripts and operands from operands that are each followed by a list of axis numbers."""

    def letters(axes: Any) -> str:
        return "".join("..." if axis is Ellipsis else chr(97 + axis) for axis in axes)

    pairs, wanted = given[: len(given) // 2 * 2], given[len(given) // 2 * 2 :]
    parts = ",".join(map(letters, pairs[1::2]))
    return "->".join((parts, *map(letters, wanted))), tuple(pairs[::2])


def _letters(subscripts: str, ndims: list[int]) -> tuple[list[list[str]], list[str]]:
    """Return the letters of each operand and of the result; the axes of ``...`` are numbered from the last."""
    given, arrow, wanted = subscripts.partition("->")
    parts, names, most = given.split(","), [], 0
    for part, ndim in zip(parts, ndims, strict=True):
        before, dots, after = part.partition("...")
        extra = ndim - len(before) - len(after) if dots else 0
        most = max(most, extra)
        names.append([*before, *(str(at) for at in range(extra - 1, -1, -1)), *after])
    spread = [str(at) for at in range(most - 1, -1, -1)]
    if arrow:
        before, dots, after = wanted.partition("...")
        return names, [*before, *(spread if dots else ()), *after]
    plain = "".join(parts).replace(".", "")
    return names, [*spread, *sorted({letter for letter in plain if plain.count(letter) == 1})]


def _without_repeats(xp: Any, x: Any, letters: list[str]) -> tuple[Any, list[str]]:
    """Return the operand with axes of the same letter replaced by their diagonal."""
    while len(set(letters)) < len(letters):
        letter = next(one for one in letters if letters.count(one) > 1)
        first = letters.index(letter)
        second = letters.index(letter, first + 1)
        x = diagonal(xp, x, 0, first, second)
        letters = [one for at, one in enumerate(letters) if at not in (first, second)] + [letter]
    return x, letters


def _contracted(xp: Any, x: Any, a: list[str], y: Any, b: list[str], later: set[str]) -> tuple[Any, list[str]]:
    """Return the product of two operands, summed over the letters that are not needed later."""
    for letters, others in ((a, b), (b, a)):
        gone = tuple(at for at, one in enumerate(letters) if one not in later and one not in others)
        if gone:
            x, y = (xp.sum(x, axis=gone), y) if letters is a else (x, xp.sum(y, axis=gone))
            letters[:] = [one for at, one in enumerate(letters) if at not in gone]
    sizes = dict(zip(b, y.shape, strict=True))
    sizes |= {one: n for one, n in zip(a, x.shape, strict=True) if n != 1 or one not in sizes}
    both = [one for one in a if one in b]
    if any(x.shape[a.index(one)] != y.shape[b.index(one)] for one in both):  # an axis of size 1 is repeated
        x = xp.broadcast_to(x, tuple(sizes[one] for one in a))
        y = xp.broadcast_to(y, tuple(sizes[one] for one in b))
    batch, summed = [one for one in both if one in later], [one for one in both if one not in later]
    left, right = [one for one in a if one not in b], [one for one in b if one not in a]

    def laid(z: Any, letters: list[str], *groups: list[str]) -> Any:
        order = tuple(letters.index(one) for group in groups for one in group)
        z = xp.permute_dims(z, order)
        shape = (*(sizes[one] for one in groups[0]), *(math.prod(sizes[one] for one in group) for group in groups[1:]))
        return xp.reshape(z, shape)

    z = laid(x, a, batch, left, summed) @ laid(y, b, batch, summed, right)
    letters = [*batch, *left, *right]
    return xp.reshape(z, tuple(sizes[one] for one in letters)), letters


@idiom("identity")
def _identity(xp: Any, n: int, dtype: Any = None) -> Any:
    return xp.eye(n, dtype=dtype)


@idiom("fill_diagonal")
def _fill_diagonal(xp: Any, a: Any, val: Any) -> None:
    n = min(a.shape)
    index = xp.differentiates.arange(n, device=device_of(base(a)))
    a[(index,) * len(a.shape)] = val
