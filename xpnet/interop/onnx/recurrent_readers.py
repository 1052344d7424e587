"""The recurrent operators of ONNX, which become a layer for each direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet import layers
from xpnet.interop.onnx.building import Value
from xpnet.interop.onnx.nodes import Node
from xpnet.interop.onnx.readers import reads
from xpnet.interop.onnx.reading import Host

BLOCKS = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""The blocks of ONNX in the order of xpnet: i, f, g, o from i, o, f, g; and r, z, n from z, r, n."""


def in_order(array: Host, order: Sequence[int], axis: int = 0) -> Host:
    """Return blocks along an axis in another order."""
    blocks = np.split(array, len(order), axis=axis)
    return np.concatenate([blocks[at] for at in order], axis=axis)


@reads("LSTM", "GRU", "RNN")
def recurrent(node: Node) -> None:
    direction, H = node.attribute("direction", "forward"), int(node.attribute("hidden_size", 0))
    check_recurrent(node)
    x, order = node.value(0), BLOCKS[node.op]
    W, R, B = node.constant(1, "weights"), node.constant(2, "weights"), node.optional(3, "biases")
    H = R.shape[2]
    if B is None:
        B = np.zeros((W.shape[0], 2 * len(order) * H), W.dtype)
    if not node.attribute("layout", 0):
        x = turned(node, x)
    lengths = node.given(4)
    if lengths is not None and lengths.static:
        if any((array != x.arrays[run].shape[1]).any() for run, array in enumerate(lengths.arrays)):
            raise node.refused("fixed lengths of sequences")
        lengths = None
    wanted = [bool(name and node.users(name)) for name in (*node.outputs, "", "")[:3]]
    parts: list[list[Value]] = []
    for at in range(W.shape[0]):
        reverse = direction == "reverse" or at == 1
        arrays = [np.array(in_order(W[at], order).T), np.array(in_order(R[at], order).T)]
        b, c = (in_order(half, order) for half in np.split(B[at], 2))
        arrays += [b, c] if node.op == "GRU" else [b + c]
        states = [first_state(node, position, at) for position in ((5, 6) if node.op == "LSTM" else (5,))]
        more = any(wanted[1:]) and (wanted[0] or wanted[2])
        options = {"reverse": reverse, "return_state": more, "return_sequences": wanted[0] or not any(wanted[1:])}
        if node.op == "GRU" and not node.attribute("linear_before_reset", 0):
            options["reset_after"] = False
        kind: Any = getattr(layers, node.op)
        names = [node.building.fresh(f"{node.outputs[0] or node.op}.{part}") for part in "yhc"]
        names = names[: (3 if node.op == "LSTM" else 2) if more else 1]
        hint = node.hint(1) + ("_reverse" if at else "") if node.hint(1) else ""
        node.layer(kind(*arrays, **options), x, lengths, *states, hint=hint, to=names, beside=at)
        found = [node.building.values[name] for name in names]
        parts.append(found if more or options["return_sequences"] else [found[0], found[0]])
    for at, name in enumerate(node.outputs[:3]):
        if name and wanted[at]:
            put_together(node, name, [part[at] for part in parts], at == 0)


def check_recurrent(node: Node) -> None:
    """Raise ArgumentError for options of a recurrent operator that no layer has."""
    usual = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}[node.op]
    chosen = node.attribute("activations")
    if chosen and [name.lower() for name in chosen[: len(usual)]] != [name.lower() for name in usual]:
        raise node.refused(f"activations {', '.join(chosen)}")
    if node.attribute("clip") is not None or node.attribute("input_forget") or node.given(7) is not None:
        raise node.refused("a clip, a shared gate or peepholes")


def turned(node: Node, x: Value) -> Value:
    """Return sequences with the rows first, ``(L, N, …) -> (N, L, …)``, or back."""
    name = node.building.fresh("turned")
    node.layer(layers.Transpose(1, 0, *range(2, x.ndim)), x, to=[name])
    return node.building.values[name]


def first_state(node: Node, position: int, at: int) -> Value | None:
    """Return the state before the first step of a direction, or None for zeros."""
    state = node.given(position)
    if state is None or (state.static and not any(np.any(array) for array in state.arrays)):
        return None
    if state.static:
        raise node.refused("a first state that is fixed and not 0")
    axis = 1 if node.attribute("layout", 0) else 0
    return node.call("index", state, axis=axis, at=at, to=node.building.fresh("first"))


def put_together(node: Node, name: str, parts: list[Value], steps: bool) -> None:
    """Return the results of all directions with the axes of ONNX."""
    by_rows = bool(node.attribute("layout", 0))
    if steps and not by_rows:
        parts = [turned(node, part) for part in parts]
    axis = (2 if by_rows else 1) if steps else (1 if by_rows else 0)
    fresh = node.building.fresh
    alone = len(parts) == 1
    parts = [node.call("expand_dims", part, axes=[axis], to=name if alone else fresh("direction")) for part in parts]
    if not alone:
        node.call("concat", *parts, to=name, axis=axis)
