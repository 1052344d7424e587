"""The table of rules: one declaration for each function, one gradient for each operand.

A gradient is ``gradient(g, y, *args, **keywords)``: ``g`` is the gradient at the result ``y``, the arguments are those
of the call. It is called only if its result is needed. It is written in the standard and takes its namespace from its
arguments, so that it can be differentiated again. Gradients of operands that may have been broadcast or promoted are
brought back to shape and dtype of the operand in one place, ``fit``, if the rule says ``fits=True``.

A composite is a function written in terms of functions that have rules.
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
    """The gradients, tangents and batching rule of one function.

    ``joint``, if a rule has it, returns the gradients of all operands at once; ``outputs`` is the tuple type of
    several results; ``operands`` names those that may be given as keywords; ``note`` states the result where there
    is no derivative. ``fresh`` means that each gradient is computed into new memory; other gradients may be ``g``
    itself, or a view of it, and are copied before a caller gets them. ``indifferent`` names the options that may be
    Variables, because the result does not change with them. ``forward`` is the way of tangents, one of
    ``forward.py``, and ``batch`` that of a batch, one of ``batching/ways.py``; ``kernel`` computes the values in place
    of the library's own function. The result of a ``view`` (all are in
    ``VIEWS``) may share the memory of its operand; a rule that ``assigns`` (``ASSIGNMENTS``) returns its operand with
    items replaced.
    """

    __slots__ = (
        *("batch", "fits", "forward", "fresh", "full", "gradients", "indifferent", "joint", "kernel", "name", "note"),
        *("operands", "outputs"),
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
        kernel: Callable[..., Any] | None = None,
        view: bool = False,
        assigns: bool = False,
    ) -> None:
        self.full = self.name = name
        self.forward = forward
        self.batch = batch
        self.kernel = kernel
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
        """Drop the values that the rule kept for one call; a rule of the table keeps none."""

    def deliver(self, node: Any, delivered: set[tuple[int, str]]) -> None:
        """Assign gradients to the layer that was called; other rules have nothing to assign."""

    def __repr__(self) -> str:
        return f"<Rule {self.name}>"


RULES: dict[str, Rule] = {}

VALUES: dict[str, Rule] = {}
"""Functions whose results are constants."""

COMPOSITES: dict[str, tuple[Callable[..., Any], str]] = {}


def rule(name: str, *gradients: Gradient | None, **options: Any) -> Rule:
    """Declare the gradients of the standard's function ``name``, one for each operand."""
    made = RULES[name] = Rule(name, gradients, **options)
    made.name = name.rpartition(".")[2]
    return made


def value_only(names: str, note: str, batch: Callable[..., Any] | None = None) -> None:
    """Declare functions of the standard whose results are constants, with their batching rule."""
    for name in names.split():
        VALUES[name] = Rule(name, note=note, batch=batch)


def composite(name: str, note: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare ``function(xp, *args)`` as the differentiable form of the standard's function ``name``."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        COMPOSITES[name] = (function, note)
        return function

    return declare


def base(x: Any) -> Any:
    """Return the innermost array of Variables that wrap each other."""
    while getattr(type(x), "differentiates", False):
        x = x.value
    return x


def own(d: Any) -> Any:
    """Return a copy of a gradient, which nothing else uses and which may be written to."""
    return array_namespace(d).asarray(d, device=device_of(d), copy=True)


def fit(d: Any, x: Any) -> Any:
    """Return the gradient ``d`` in the shape and dtype of its operand, ``Σ d`` over axes along which x was repeated."""
    if d.dtype == x.dtype and d.shape == x.shape:  # equal dtypes need not be one object
        return d
    xp = array_namespace(d, x)
    if d.shape != x.shape:
        extra, axes = repeated(tuple(d.shape), tuple(x.shape))
        if extra:
            d = xp.sum(d, axis=extra)
        if axes:
            d = xp.sum(d, axis=axes, keepdims=True)
        if d.shape != x.shape:
            d = xp.broadcast_to(d, x.shape)
    if d.dtype != x.dtype:
        if dtype_kind(d) == "complex" and dtype_kind(x) != "complex":
            d = xp.real(d)
        d = xp.astype(d, x.dtype)
    return d


def fitted(d: Any, y: Any) -> Any:
    """Return the tangent ``d`` in the shape and dtype of its result, broadcast along axes that it lacks."""
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
    """Return the axes that a shape has in front of the shape ``of``, and those of the rest where ``of`` has size 1."""
    extra = len(shape) - len(of)
    rest = shape[max(extra, 0) :]
    axes = tuple(axis for axis, (a, b) in enumerate(zip(rest, of, strict=False)) if b == 1 and a != 1)
    return tuple(range(extra)), axes
