"""The recurrent layers, gates and bags as operators of ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet.interop.onnx.elementwise import cast, where
from xpnet.interop.onnx.operators import normal_gate, table_of, writes
from xpnet.interop.onnx.shapes import arange, permute_dims, squeeze, total
from xpnet.interop.onnx.symbols import Symbol, Whole, emit, refused
from xpnet.layers import GRU, LSTM, RNN, EmbeddingBag, GeGlu, SwiGlu

ORDERS = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
"""The blocks of the gates in the order of ONNX: i, o, f, g of an LSTM, and z, r, n of a GRU."""


def in_blocks(array: Symbol, order: Sequence[int]) -> Symbol:
    """Return the gates of an array ``(..., G H)`` in another order, in front and with an axis of directions.

    The name of the parameter stays.
    """
    blocks = np.split(array.value, len(order), axis=-1)
    ordered = np.concatenate([blocks[at] for at in order], axis=-1)
    return Symbol(np.ascontiguousarray(ordered.T[None]), array.name)


@writes(LSTM, GRU, RNN)
def recurrent(layer: Any, y: Any, x: Symbol, mask: Symbol | None = None, *states: Symbol | None) -> Any:
    kind = type(layer).__name__
    if mask is not None and mask.dtype.kind == "b":
        return None  # steps may be missing anywhere: the equations, step by step
    order, H = ORDERS[kind], layer.Wh.shape[0]
    W, R = in_blocks(layer.Wx, order), in_blocks(layer.Wh, order)
    names = ("bx", "bh") if kind == "GRU" else ("b",)
    none = np.zeros(layer.Wh.shape[1], layer.Wh.dtype)
    last = [getattr(layer, name) if name in layer.parameters else Symbol(none) for name in names]
    both = np.concatenate([in_blocks(b, order).value for b in [*last, Symbol(none)][:2]], axis=1)
    B = Symbol(both, last[0].name) if names[0] in layer.parameters else None
    options: dict[str, Any] = {"hidden_size": H, "direction": "reverse" if layer.reverse else "forward"}
    options |= {"linear_before_reset": int(layer.reset_after)} if kind == "GRU" else {}
    first = [None if state is None else emit("Unsqueeze", [state, Whole((0,))], state.value[None]) for state in states]
    lengths = None if mask is None else cast(mask, np.int32)
    found = y if isinstance(y, tuple) else (y,)
    N, L, _ = x.shape
    ends = found[1:] if layer.return_state else (np.zeros((N, H), x.dtype),) * (2 if kind == "LSTM" else 1)
    ends = ends if layer.return_sequences else (found[0], *ends[1:])
    steps = found[0] if layer.return_sequences else np.zeros((N, L, H), x.dtype)
    values = [steps.transpose(1, 0, 2)[:, None], *[end[None] for end in ends]]
    read = permute_dims(x, (1, 0, 2))
    Y, *after = emit(kind, [read, W, R, B, lengths, *first], *values, **options)
    h, *c = (squeeze(end, axis=0) for end in after)
    result = permute_dims(squeeze(Y, axis=1), (1, 0, 2)) if layer.return_sequences else h
    return (result, h, *c) if layer.return_state else result


def halves(layer: Any, x: Symbol) -> tuple[Symbol, Symbol]:
    """Return the two halves of x along the axis of a gate."""
    axis = layer.axis % x.ndim
    a, g = np.split(x.value, 2, axis=axis)
    return emit("Split", [x], a, g, axis=axis, num_outputs=2)  # type: ignore[no-any-return]


@writes(GeGlu)
def by_normal(layer: Any, y: Any, x: Symbol) -> Any:
    a, g = halves(layer, x)
    gate = normal_gate(g, np.divide(y, a.value, out=np.zeros_like(y), where=a.value != 0.0))
    return emit("Mul", [a, gate], y)


@writes(SwiGlu)
def by_swish(layer: Any, y: Any, x: Symbol) -> Any:
    a, g = halves(layer, x)
    s = 1.0 / (1.0 + np.exp(-g.value))
    return emit("Mul", [a, emit("Mul", [g, emit("Sigmoid", [g], s)], g.value * s)], y)


@writes(EmbeddingBag)
def bag(layer: Any, y: Any, x: Symbol, bags: Symbol | None = None, weights: Symbol | None = None) -> Any:
    if x.ndim != 2:
        raise refused("bags by offsets", "give rows (N, L), with the lengths of the bags")
    L = x.shape[1]
    counts: Any = None
    if bags is not None:
        counts = arange(L)[None, :] < cast(bags, np.int64)[:, None]  # type: ignore[operator]
        x = where(counts, x, 0)
    if layer.padding_idx is not None:
        real = x != layer.padding_idx
        counts = real if counts is None else counts & real
    W = table_of(layer)
    rows = emit("Gather", [W, x], np.take(W.value, x.value, axis=0), axis=0)
    w = None if counts is None else cast(counts, rows.dtype)
    if weights is not None:
        w = weights if w is None else w * weights  # type: ignore[operator]
    if layer.reduction == "mean" and w is None:
        return emit("ReduceMean", [rows, Whole((1,))], y, keepdims=0)
    found = total(rows if w is None else rows * w[:, :, None], axis=1)
    if layer.reduction == "mean":
        count: Any = total(w, axis=1, keepdims=True)  # type: ignore[arg-type]
        found = found / emit("Max", [count, Symbol(np.ones((), rows.dtype))], np.maximum(count.value, 1.0))
    return found
