"""The table of rules: one declaration per function, one gradient per operand.

A gradient is ``gradient(g, y, *args, **keywords)``: ``g`` arrives at the result ``y``, the arguments are those of
the call. It is asked for only where it is wanted. It is written in the standard and takes its namespace from its
arguments, so that it can be differentiated again. Operands that may have been broadcast or promoted are
brought back to their shape and dtype in one place, ``fit``, where the rule says ``fits=True``.

A composite is a function written in terms of others that have rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from xpnet.backend import array_namespace, device_of, dtype_kind

Gradient = Callable[..., Any]


VIEWS: set[Rule] = set()
ASSIGNMENTS: set[Rule] = set()


class Rule:
    """How gradients and tangents pass through one function, and how a batch does.

    ``joint``, where a rule has it, returns the gradients of all operands at once; ``outputs`` is the tuple
    type of several results; ``operands`` names those that may be given as keywords; ``note`` says what holds
    where there is no derivative. ``fresh`` tells that each gradient is computed into memory of its own; others may
    be ``g`` itself, or a view of it, and are copied before a caller gets them. ``indifferent`` names the options that
    may be Variables, because the result does not change with them. ``forward`` is the way of tangents, one of
    ``forward.py``, and ``batch`` that of a batch, one of ``batching/ways.py``. The result of a ``view`` (all are in
    ``VIEWS``) may share the memory of its operand; a rule that ``assigns`` (``ASSIGNMENTS``) returns its operand with
    other items.
    """

    __slots__ = (
        *("batch", "fits", "forward", "fresh", "full", "gradients", "indifferent", "joint", "name", "note", "operands"),
        "outputs",
    )

    def __init__(
        self,
        name: str,
        gradients: tuple[Gradient | None, ...] = (),
        *,
        fits: bool = False,
        fresh: bool = False,
        joint: Callable[..., Sequence[Any]] | None = None,
        outputs: type[tuple[Any, ...]] | None = None,
        indifferent: tuple[str, ...] = (),
        operands: tuple[str, ...] = (),
        note: str = "",
        forward: Callable[..., Any] | None = None,
        batch: Callable[..., Any] | None = None,
        view: bool = False,
        assigns: bool = False,
    ) -> None:
        self.full = self.name = name
        self.forward = forward
        self.batch = batch
        self.gradients = gradients
        self.fits = fits
        self.fresh = fresh
        self.joint = joint
        self.outputs = outputs
        self.indifferent = indifferent
        self.operands = operands
        self.note = note
        if view:
            VIEWS.add(self)
        if assigns:
            ASSIGNMENTS.add(self)

    def release(self) -> None:
        """Drop what the rule kept of one call; a rule of the table keeps nothing."""

    def deliver(self, node: Any, delivered: set[tuple[int, str]]) -> None:
        """Assign gradients to what was called; only a layer has a place for them."""

    def __repr__(self) -> str:
        return f"<Rule {self.name}>"


RULES: dict[str, Rule] = {}

VALUES: dict[str, Rule] = {}
"""The functions whose results are constants."""

COMPOSITES: dict[str, tuple[Callable[..., Any], str]] = {}


def rule(name: str, *gradients: Gradient | None, **options: Any) -> Rule:
    """Declare the gradients of the standard's function ``name``, one for each operand."""
    made = RULES[name] = Rule(name, gradients, **options)
    made.name = name.rpartition(".")[2]
    return made


def value_only(names: str, note: str, batch: Callable[..., Any] | None = None) -> None:
    """Declare functions of the standard whose results are constants, and how they treat a batch."""
    for name in names.split():
        VALUES[name] = Rule(name, note=note, batch=batch)


def composite(name: str, note: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare ``function(xp, *args)`` as the differentiable form of the standard's function ``name``."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        COMPOSITES[name] = (function, note)
        return function

    return declare


def base(x: Any) -> Any:
    """Return the array at the bottom of the Variables that wrap each other."""
    while getattr(type(x), "differentiates", False):
        x = x.value
    return x


def own(d: Any) -> Any:
    """Return a gradient in memory that nothing else uses, and that may be written to."""
    return array_namespace(d).asarray(d, device=device_of(d), copy=True)


def fit(d: Any, x: Any) -> Any:
    """Return the gradient ``d`` in the shape and dtype of its operand, ``Σ d`` over axes along which x was repeated."""
    xp = array_namespace(d, x)
    if d.shape != x.shape:
        extra, axes = repeated(tuple(d.shape), tuple(x.shape))
        if extra:
            d = xp.sum(d, axis=extra)
        if axes:
            d = xp.sum(d, axis=axes, keepdims=True)
        if d.shape != x.shape:
            d = xp.broadcast_to(d, x.shape)
    if d.dtype is not x.dtype and d.dtype != x.dtype:
        if dtype_kind(d) == "complex" and dtype_kind(x) != "complex":
            d = xp.real(d)
        d = xp.astype(d, x.dtype)
    return d


def fitted(d: Any, y: Any) -> Any:
    """Return the tangent ``d`` in the shape and dtype of its result, repeated along axes that it lacks."""
    if d is None or (d.dtype is y.dtype and d.shape == y.shape):
        return d
    xp = array_namespace(d, y)
    if d.shape != y.shape:
        d = xp.broadcast_to(d, tuple(y.shape))
    if d.dtype != y.dtype:
        if dtype_kind(d) == "complex" and dtype_kind(y) != "complex":
            d = xp.real(d)
        d = xp.astype(d, y.dtype)
    return d


@lru_cache(maxsize=4096)
def repeated(shape: tuple[int, ...], of: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the axes that a shape has in front of another one, and those, behind them, along which that has size 1."""
    extra = len(shape) - len(of)
    rest = shape[max(extra, 0) :]
    axes = tuple(axis for axis, (a, b) in enumerate(zip(rest, of, strict=False)) if b == 1 and a != 1)
    return tuple(range(extra)), axes
