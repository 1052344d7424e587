"""``jacobian``, ``hessian`` and ``hvp``: whole matrices of derivatives, and products with second derivatives.

A matrix of derivatives has a row or column for each of many vectors. These are computed as one batch: backward through
a graph that is sorted once, or forward along with a function that is computed once.
"""

from __future__ import annotations

from math import prod
from typing import Any

from xpnet.autodiff.batching.vmap import vmap
from xpnet.autodiff.nodes import FORWARD, Trace, tracing
from xpnet.autodiff.record import base
from xpnet.autodiff.traced import (
    Argnums,
    Function,
    Walk,
    as_given,
    below,
    check_arguments,
    gradients_of,
    numbers_of,
    read_argnums,
    trace_arguments,
    traced_result,
    whole,
)
from xpnet.autodiff.transforms import grad, pushed, tangent_of
from xpnet.autodiff.tree import leaves, same_form
from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.errors import ArgumentError, DtypeError

MOST = 2**22  # elements of the largest array of a batch: more vectors are split into several batches


def jacobian(f: Function, argnums: Argnums = 0, *, mode: str = "reverse") -> Function:
    """Return the function that computes all derivatives, ``Jᵢⱼ = ∂fᵢ/∂xⱼ`` of shape ``y.shape + x.shape``.

    The graph is walked back with a batch of vectors, one for each element of the result; with ``mode="forward"`` the
    function is computed with a batch of tangents, one for each element of the arguments, which costs less if f has few
    arguments and many results. If an operation has no batching rule, the vectors are computed one after another.

    Raises: errors of ``vjp``; ``ArgumentError`` for another mode; ``DtypeError`` for complex numbers in forward mode.

    >>> A = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> xn.jacobian(lambda x: A @ x)(np.array([5.0, 6.0]))
    array([[1., 2.],
           [3., 4.]])
    """
    if mode not in ("reverse", "forward"):
        raise ArgumentError("jacobian", "mode must be 'reverse' or 'forward'", repr(mode), "choose one")
    argnums = read_argnums(argnums, "jacobian")
    derivatives = _by_rows if mode == "reverse" else _by_columns

    def all_derivatives(*args: Any, **keywords: Any) -> Any:
        given = tuple(args[number] for number in numbers_of(args, argnums, "jacobian"))
        result = as_given(given, derivatives(f, args, keywords, argnums))
        return result if isinstance(argnums, tuple) else result[0]

    return all_derivatives


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """Return the function that computes the second derivatives of a scalar function, ``Hᵢⱼ = ∂²f/∂xᵢ∂xⱼ``.

    For several arguments, or dicts, lists and tuples, it returns blocks nested in the form of the gradient, each in the
    form of the argument. It propagates a batch of tangents through the gradient, forward over reverse.

    Raises: errors of ``grad``.

    >>> xn.hessian(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    argnums = read_argnums(argnums, "hessian")
    gradient = grad(f, argnums)

    def second_derivatives(*args: Any, **keywords: Any) -> Any:
        given = tuple(args[number] for number in numbers_of(args, argnums, "hessian"))
        form, blocks, chosen = _columns(gradient, args, keywords, argnums, "hessian")
        rows = iter(range(len(leaves(form))))

        def block(at: int) -> Any:
            columns = iter(blocks)
            result = as_given(given, same_form(lambda _: next(columns)[at], chosen))
            return result if isinstance(argnums, tuple) else result[0]

        return same_form(lambda _: block(next(rows)), form)

    return second_derivatives


def hvp(f: Function, x: Any, v: Any) -> Any:
    """Return the product of the second derivatives with a vector, ``H v``, without computing ``H``.

    It is the tangent of the gradient, forward over reverse; for complex arguments this is the change of the gradient,
    ``d/dt grad(f)(x + t v)`` at ``t = 0``.

    Raises: errors of ``grad``; ``ShapeError`` if ``v`` does not have the shape of ``x``.

    >>> xn.hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([  6., 120.])
    """
    _, moves, _ = pushed(grad(f), (x,), (v,), "hvp")
    return as_given(x, moves)


def _by_rows(f: Function, args: tuple[Any, ...], keywords: dict[str, Any], argnums: Argnums) -> Any:
    """Return the derivatives, computed backward through the graph with a batch of vectors."""
    with tracing(below(args)) as trace:
        traced, chosen = trace_arguments(args, argnums, trace, "jacobian")
        y = traced_result(f(*traced, **keywords), trace, f, "jacobian")
    check_arguments(leaves(chosen), y.value, f, "jacobian")
    walk = Walk([y.node])

    def rows(turn: complex) -> Any:
        def back(seed: Any) -> Any:
            return gradients_of(chosen, walk([seed if turn == 1.0 else seed * turn]), f, "jacobian", conjugated=False)

        return for_each(back, y.value, walk.largest())

    found = [rows(turn) for turn in ((1.0, -1.0j) if dtype_kind(y.value) == "complex" else (1.0,))]

    def shaped(x: Any, *gradients: Any) -> Any:
        d = whole(*gradients, dtype=y.dtype, f=f, who="jacobian")
        return array_namespace(d).reshape(d, (*y.shape, *x.shape))

    return same_form(shaped, chosen, *found)


def _by_columns(f: Function, args: tuple[Any, ...], keywords: dict[str, Any], argnums: Argnums) -> Any:
    """Return the derivatives, computed forward with a batch of tangents."""
    _, blocks, chosen = _columns(f, args, keywords, argnums, "jacobian")
    columns = iter(blocks)
    return same_form(lambda _: next(columns)[0], chosen)


def _columns(
    f: Function, args: tuple[Any, ...], keywords: dict[str, Any], argnums: Argnums, who: str
) -> tuple[Any, list[list[Any]], Any]:
    """Return the results, the derivatives of every result for each array of the arguments, and these arguments."""
    _, chosen = trace_arguments(args, argnums, Trace(0), who)
    arrays = leaves(chosen)
    if who == "hessian":
        check_arguments(arrays, arrays[0], f, who)
    results: list[Any] = []

    def along(at: int, seed: Any) -> Any:
        with tracing(below((args, seed)), FORWARD) as trace:
            traced, moving = trace_arguments(args, argnums, trace, who)
            leaves(moving)[at].node.tangent = seed
            y = f(*traced, **keywords)
            if who == "jacobian":
                traced_result(y, trace, f, who)
            pairs = [tangent_of(item, trace) for item in leaves(y)]
            values = iter([value for value, _ in pairs])
            results[:] = [same_form(lambda _: next(values), y)]
            return [tangent for _, tangent in pairs]

    def block(at: int, x: Any) -> list[Any]:
        found = for_each(lambda seed: along(at, seed), x.value, prod(x.shape))
        for item in (x, *leaves(results[0])):
            if dtype_kind(item) == "complex":
                raise DtypeError(who, "numbers must be real in forward mode", item.dtype, "use mode='reverse'")
        spaces = [array_namespace(d) for d in found]
        return [
            xp.reshape(xp.moveaxis(d, 0, -1), (*d.shape[1:], *x.shape)) for xp, d in zip(spaces, found, strict=True)
        ]

    blocks = [block(at, x) for at, x in enumerate(arrays)]
    return results[0], blocks, chosen


def for_each(f: Function, like: Any, largest: int) -> Any:
    """Return ``f(e)``, stacked, for every unit vector e of the shape of an array, in batches if possible."""
    space = array_namespace(base(like))
    xp: Any = getattr(space, "differentiates", space)
    shape, size, dtype, device = tuple(like.shape), prod(like.shape), like.dtype, device_of(like)
    if size == 0:
        return same_form(lambda d: d[None, ...][:0, ...], f(xp.zeros(shape, dtype=dtype, device=device)))

    def units(start: int, count: int) -> Any:
        return xp.reshape(xp.eye(count, size, k=start, dtype=dtype, device=device), (count, *shape))

    step = max(1, MOST // max(largest, size, 1))
    found = []
    for start in range(0, size, step):
        seeds = units(start, min(step, size - start))
        try:
            found.append(vmap(f)(seeds))
        except TypeError:  # some operation has no batching rule, or takes no batch
            found.append(vmap(f, loop=True)(seeds))
    return found[0] if len(found) == 1 else same_form(lambda *parts: array_namespace(*parts).concat(parts), *found)
