"""Likely causes of a wrong gradient: common mistakes, each tried on the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from xpnet.gradcheck.numerical import Host
from xpnet.gradcheck.subjects import Target


def wrong_shape(got: tuple[int, ...] | None, wanted: tuple[int, ...], dout: Host | None = None) -> str:
    """Return the likely cause of a gradient that is missing or has another shape than its array."""
    if got is None:
        return "backward leaves it out: it must set dW for each parameter W and return dx for each input"
    start = f"its shape is {got} and not {wanted}"
    if dout is not None and dout.ndim > 1 and wanted == dout.shape[1:]:
        if got == dout.shape:
            return f"{start}: dout is not summed over the batch, axis 0"
        if got == ():
            return f"{start}: dout is summed over all axes and not over axis 0 alone"
        if got == dout.shape[:1]:
            return f"{start}: the wrong axis in the bias sum, which is axis 0"
    if got == wanted[::-1] and got != wanted:
        return f"{start}: a transposed product"
    return f"{start}: a sum over the wrong axis, or broadcasting not undone"


def wrong_values(analytic: Host, numeric: Host, target: Target) -> list[str]:
    """Return the patterns in which the values are wrong, the most specific first.

    Shapes: ``analytic`` and ``numeric`` as the target's array.
    """
    if not np.all(np.isfinite(analytic)):
        return ["backward gives NaN or infinity"]
    if not np.all(np.isfinite(numeric)):
        return ["forward gives NaN or infinity on both sides: there is nothing to compare with"]
    found = [] if analytic.any() else ["backward gives zero everywhere"]
    if analytic.any() and numeric.any() and not close(analytic, numeric):
        found += [*_products(analytic, numeric, target), *_factor(analytic, numeric, target)]
        if not found and target.dout is not None:
            found += [*_elements(analytic, numeric, target), *_positions(analytic, numeric, target)]
    return list(dict.fromkeys(found))


def _factor(a: Host, n: Host, target: Target) -> Iterator[str]:
    """Yield a cause if all values are off by one factor."""
    ratio = _ratio(a, n)
    if abs(ratio - 1.0) <= 1e-3 or not close(a, ratio * n):
        return
    batch, varied = target.batch, np.unique(np.round(np.abs(n) / np.max(np.abs(n)), 6)).size > 1
    averaged = 1 if target.dout is None else max(target.dout.size // max(a.size, 1), a.size // target.dout.size)
    for count, what in ((batch, "the batch size"), (averaged, "the number of values that are averaged")):
        if count > 1 and np.isclose(ratio, count, rtol=1e-3):
            yield f"it is {count} times too large everywhere: a missing division by {what}"
        if count > 1 and np.isclose(ratio * count, 1.0, rtol=1e-3):
            yield f"it is {count} times too small everywhere: a division by {what} too many, or a mean for a sum"
    if np.isclose(ratio, -1.0, rtol=1e-3):
        yield "its sign is wrong everywhere"
    elif varied and np.isclose(ratio, 0.5, rtol=1e-3):
        yield (
            "it is 0.5 times the right one everywhere: one of two uses of the input is left out (add their gradients), "
            "or a factor 2"
        )
    elif varied:
        yield f"it is {ratio:.4g} times the right one everywhere: a constant factor (an ignored or doubled dout?)"


def _ratio(a: Host, n: Host) -> float:
    """Return the factor between a and n, by least squares."""
    largest = np.max(np.abs(n))
    scaled = n / largest
    return float(np.vdot(a, scaled) / np.vdot(scaled, scaled) / largest)


def _products(a: Host, n: Host, target: Target) -> Iterator[str]:
    """Yield mistakes in ``dW = xᵀ dout``, ``dx = dout Wᵀ`` and ``db = Σ dout``."""
    dout, x = target.dout, target.x
    if dout is not None and dout.ndim > 1 and dout.shape[1:] == a.shape:
        for row, name in ((0, "first"), (-1, "last")):
            if dout.shape[0] > 1 and close(a, dout[row]):
                yield f"it is the gradient of the {name} row alone: sum dout over the batch, axis 0"
        if dout.shape[:1] == a.shape and close(a, dout.sum(axis=1)):
            yield "dout is summed over axis 1: the wrong axis in the bias sum, which is axis 0"
    if dout is not None and dout.ndim == 2 and x is not None and x.ndim == 2 and x.shape[0] == dout.shape[0]:
        if x.shape[0] == x.shape[1] and close(a, x @ dout) and close(n, x.T @ dout):
            yield "x is not transposed: the product is xᵀ dout"
        if x.shape[0] > 1 and close(n, x.T @ dout) and close(a, np.outer(x[0], dout[0])):
            yield "it is the gradient of the first row alone: the product is xᵀ dout, over all rows"
    transposed = n.ndim == 2 and n.shape[0] == n.shape[1] and close(a, n.T)
    if dout is not None and dout.ndim == 2:
        square = [W for W in target.parameters if W.shape == (dout.shape[1], dout.shape[1])]
        transposed |= any(close(a, dout @ W) and close(n, dout @ W.T) for W in square)
    if transposed:
        yield "it is the gradient of the transposed matrix: a transposed product"


def _elements(a: Host, n: Host, target: Target) -> Iterator[str]:
    """Yield mistakes in ``dx = dout f'(x)``, element by element."""
    dout, y = target.dout, target.y
    x = next(iter(target.others.values()), target.x)
    if dout is None or x is None or y is None or not a.shape == dout.shape == x.shape == y.shape:
        return
    zero = n == 0.0
    if close(a, dout):
        part = "the mask is not applied, dx is 0 where the input was cut off"
        yield f"dout is passed on unchanged: {part if zero.any() else 'multiply it by the derivative of the layer'}"
        return
    if zero.any() and close(a, np.where(zero, dout, 0.0)):
        yield "the mask is the wrong way round"
        return
    factors = {"y": y, "(1 - y)": 1.0 - y, "(1 + y)": 1.0 + y, "x": x, "dout": dout, "(1 - y²)": 1.0 - y * y}
    factors |= {"y²": y * y, "x²": x * x, "y (1 - y)": y * (1.0 - y)}
    if target.others:
        factors = {name: other for name, other in target.others.items() if other.shape == a.shape} | {"dout": dout}
    for name, factor in factors.items():
        if np.ptp(factor) > 1e-9:
            if close(a * factor, n):
                yield f"a factor {name} is missing"
                return
            if close(a, n * factor):
                yield f"there is a factor {name} too many"
                return
    for right, wrong in ((y * (1.0 - y), x * (1.0 - x)), (1.0 - y * y, 1.0 - x * x), (y, x)):
        if close(n, dout * right) and close(a, dout * wrong):
            yield "x is used where y belongs"
            return
    terms = {"dout": dout, "dout x": dout * x, "dout y": dout * y}
    for name, term in terms.items():
        if close(n - a, term):
            yield f"a term {name} is missing: add the gradients of all uses of the input"
            return


def _positions(a: Host, n: Host, target: Target) -> Iterator[str]:
    """Yield causes of right values at wrong positions, or of wrong values whose positions tell the cause."""
    labels = target.labels
    if labels is not None and a.ndim == 2 and (labels.shape == a.shape or labels.dtype.kind in "iu"):
        difference = a - n
        at = difference[np.arange(a.shape[0]), labels] if labels.ndim == 1 else difference[labels > 0.5]
        if (
            at.size
            and close(np.sum(difference * difference), np.sum(at * at))
            and close(at, np.full_like(at, at.flat[0]))
        ):
            yield "the labels are not subtracted: dx = (y - t) / N"
            return
    for axes in permutations(range(n.ndim)) if n.ndim <= 4 else ():
        if axes != tuple(range(n.ndim)) and close(a, np.transpose(n, axes)):
            yield f"its axes are in another order, {axes}"
            return
    if close(np.sort(a, axis=None), np.sort(n, axis=None)):
        yield "its values are right, but at wrong positions: a reshape, an order of axes or a flip"
        return
    zero, other = n == 0.0, n != 0.0
    if zero.any() and other.any() and close(a[other], n[other]):
        yield "it is right except where it must be 0: a mask is not applied"
        return
    zero = a == 0.0
    if zero.any() and close(a[~zero], n[~zero]):
        yield "it is right except where it is 0 and must not be: some rows, or a second use of an index, are left out"
        return
    for axis in range(n.ndim):
        scale = np.sum(np.abs(n))
        if n.shape[axis] > 1 and np.sum(np.abs(n.sum(axis=axis))) < 1e-6 * scale < np.sum(np.abs(a.sum(axis=axis))):
            yield (
                f"it does not add up to 0 over axis {axis} as the right one does: a mean or sum of x is treated as a "
                "constant, but depends on x too"
            )
            return


def exchanged(targets: list[Target]) -> dict[str, str]:
    """Return, name -> cause, the gradients that belong to another array: swapped, or computed for the other."""
    found = {}
    for one in targets:
        for other in targets:
            if one is other or one.analytic is None or other.analytic is None or not one.analytic.any():
                continue
            if _is(one, other) and not _is(one, one) and not _is_multiple(one):
                both = _is(other, one)
                found[one.name] = (
                    f"the gradients of {one.name} and {other.name} are exchanged"
                    if both
                    else f"it is the gradient of {other.name}"
                )
    return found


def _is(one: Target, other: Target) -> bool:
    """Return whether the gradient of one array is, by its numbers or else its shape, that of another."""
    a, n = one.analytic, other.numeric
    if a is None:
        return False
    if n is None:
        return bool(one.host.shape != other.host.shape and a.shape == other.host.shape)
    return close(a, n)


def _is_multiple(one: Target) -> bool:
    """Return whether the gradient is the right one times a number."""
    a, n = one.analytic, one.numeric
    if a is None or n is None or not n.any():
        return False
    return a.shape == n.shape and close(a, _ratio(a, n) * n)


def close(one: Host, other: Host) -> bool:
    """Return whether arrays are equal to one part in a thousand of the largest value."""
    if np.shape(one) != np.shape(other):
        return False
    scale = float(np.max(np.abs(other), initial=0.0))
    return scale > 0.0 and float(np.max(np.abs(one - other))) <= 1e-3 * scale
