"""Functions that make arrays from numbers, which may be Variables and then keep their history."""

from __future__ import annotations

from typing import Any

from xpnet.autodiff.batching.ways import aligned
from xpnet.autodiff.record import apply_value
from xpnet.autodiff.table import Rule, base, composite
from xpnet.backend import device_of


def is_variable(x: Any) -> bool:
    """Return whether x is a Variable or a batch."""
    return hasattr(type(x), "differentiates")


def like_first(xp: Any, dtype: Any, device: Any, *numbers: Any) -> tuple[Any, Any, list[Any]]:
    """Return a dtype and a device, by default those of the first Variable, and the numbers as arrays of these."""
    first = next(base(number) for number in numbers if is_variable(number))
    dtype = first.dtype if dtype is None else dtype
    device = device_of(first) if device is None else device
    return dtype, device, [xp.asarray(number, dtype=dtype, device=device) for number in numbers]


@composite("full")
def _full(xp: Any, shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Return an array of the shape, filled with the number."""
    if not is_variable(fill_value):
        return xp.asarray(xp.differentiates.full(shape, fill_value, dtype=dtype, device=device))
    _, _, (number,) = like_first(xp, dtype, device, fill_value)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    return xp.asarray(xp.broadcast_to(number, shape), copy=True)  # not a view, so that items may be assigned


FULL_LIKE = Rule("full_like", batch=aligned)


@composite("full_like")
def _full_like(xp: Any, x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Return an array of the shape of x, filled with the number."""
    if not is_variable(fill_value):
        named = {"dtype": dtype, "device": device}
        return xp.asarray(apply_value(FULL_LIKE, xp.differentiates.full_like, (base(x), fill_value), named))
    device = device_of(base(x)) if device is None else device
    return xp.full(tuple(x.shape), fill_value, dtype=x.dtype if dtype is None else dtype, device=device)


@composite("linspace")
def _linspace(
    xp: Any,
    start: Any,
    stop: Any,
    /,
    num: int,
    *,
    dtype: Any = None,
    device: Any = None,
    endpoint: bool = True,
) -> Any:
    """Return ``(1 - t) start + t stop`` with t from 0 to 1."""
    if not is_variable(start) and not is_variable(stop):
        plain = xp.differentiates.linspace
        return xp.asarray(plain(start, stop, num, dtype=dtype, device=device, endpoint=endpoint))
    dtype, device, (start, stop) = like_first(xp, dtype, device, start, stop)
    t = xp.linspace(0.0, 1.0, num, dtype=dtype, device=device, endpoint=endpoint)
    return (1.0 - t) * start + t * stop


@composite("arange", "0 by stop, which only determines the size")
def _arange(xp: Any, start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None) -> Any:
    """Return ``start + i step`` below stop."""
    start, stop = (0, start) if stop is None else (start, stop)
    limits = (start, stop, step)
    plain = [base(number).__float__() if is_variable(number) else number for number in limits]
    if not any(map(is_variable, limits)):
        return xp.asarray(xp.differentiates.arange(*plain, dtype=dtype, device=device))
    dtype, device, (first, _, by) = like_first(xp, dtype, device, *limits)
    count = xp.differentiates.arange(*plain).shape[0]
    return first + by * xp.arange(count, dtype=dtype, device=device)


@composite("from_dlpack")
def _from_dlpack(xp: Any, x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """Return the array; a Variable keeps its history."""
    given = {name: value for name, value in (("device", device), ("copy", copy)) if value is not None}
    return xp.asarray(x if is_variable(x) else xp.differentiates.from_dlpack(x, **given), **given)
