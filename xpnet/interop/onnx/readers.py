"""The operators of ONNX that become layers, each by a function of its node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet import layers
from xpnet.interop.onnx.building import Value
from xpnet.interop.onnx.nodes import Node
from xpnet.interop.onnx.reading import Host
from xpnet.layers import Layer

Reader = Callable[[Node], None]

READERS: dict[str, Reader] = {}
"""What makes calls of a node, by its operator."""


def reads(*ops: str) -> Callable[[Reader], Reader]:
    """Register a function as what reads some operators."""

    def register(function: Reader) -> Reader:
        READERS.update(dict.fromkeys(ops, function))
        return function

    return register


def simple(op: str, kind: type[Layer], **options: tuple[str, float]) -> None:
    """Register an operator that is a layer, with its options by the names of attributes and their defaults."""

    def read(node: Node) -> None:
        found = {name: float(node.attribute(own, default)) for name, (own, default) in options.items()}
        node.layer(kind(**found), node.value(0))

    READERS[op] = read


for _op in ("Relu", "Tanh", "Softplus", "Softsign", "Mish", "HardSwish"):
    simple(_op, getattr(layers, _op))
simple("Elu", layers.Elu, alpha=("alpha", 1.0))
simple("LeakyRelu", layers.LeakyRelu, slope=("alpha", 0.01))
simple("Swish", layers.Silu)


@reads("Sigmoid")
def sigmoid(node: Node) -> None:
    x, user = node.value(0), node.only_user("Mul")
    if user is not None:
        sides = [node.building.values.get(name) for name in user.input if name != node.outputs[0]]
        if len(sides) == 1 and sides[0] is x:
            node.layer(layers.Silu(), x, to=[user.output[0]])
            node.done.add(user.output[0])
            return
    node.layer(layers.Sigmoid(), x)


@reads("Celu")
def celu(node: Node) -> None:
    if node.attribute("alpha", 1.0) != 1.0:
        raise node.refused(f"alpha {node.attribute('alpha')}")
    node.layer(layers.Elu(), node.value(0))


@reads("Selu")
def selu(node: Node) -> None:
    usual = (node.attribute("alpha", 1.67326), node.attribute("gamma", 1.0507))
    if not np.allclose(usual, (1.67326, 1.0507), atol=1e-3):
        raise node.refused(f"alpha and gamma {usual}")
    node.layer(layers.Selu(), node.value(0))


@reads("Gelu")
def gelu(node: Node) -> None:
    node.layer(layers.Gelu(node.attribute("approximate", "none")), node.value(0))


@reads("HardSigmoid")
def hard_sigmoid(node: Node) -> None:
    slope, middle, x = node.attribute("alpha", 0.2), node.attribute("beta", 0.5), node.value(0)
    if np.allclose((slope, middle), (1.0 / 6.0, 0.5)):
        node.layer(layers.HardSigmoid(), x)
        return
    scaled = node.call("multiply", x, float(slope), to=node.building.fresh("scaled"))
    moved = node.call("add", scaled, float(middle), to=node.building.fresh("moved"))
    node.call("clip", moved, low=0.0, high=1.0)


@reads("Clip")
def clip(node: Node) -> None:
    limits = [node.optional(at, "limits") for at in (1, 2)]
    low, high = (
        node.attribute(name) if limit is None else float(limit.item())
        for name, limit in zip(("min", "max"), limits, strict=True)
    )
    kinds: dict[Any, Layer] = {(0.0, None): layers.Relu(), (0.0, 6.0): layers.Relu6()}
    if (low, high) in kinds:
        node.layer(kinds[low, high], node.value(0))
    elif low is not None and high is not None and low < high and max(abs(low), abs(high)) < 1e30:
        node.layer(layers.HardTanh(float(low), float(high)), node.value(0))
    else:
        node.call("clip", node.value(0), low=low, high=high)


@reads("PRelu")
def prelu(node: Node) -> None:
    slope, x = node.constant(1, "slopes"), node.value(0)
    if slope.size != 1 and (slope.size != x.shape[1] or slope.shape[-(x.ndim - 1) :][0] != slope.size):
        raise node.refused(f"slopes {slope.shape}")
    node.layer(layers.PRelu(np.array(slope.reshape(-1))), x, hint=node.hint(1))


@reads("Softmax", "LogSoftmax")
def softmax(node: Node) -> None:
    x = node.value(0)
    axis = node.attribute("axis", 1 if node.building.opset < 13 else -1) % x.ndim
    if node.building.opset < 13 and axis != x.ndim - 1:
        raise node.refused("several axes at once")
    if axis == x.ndim - 1:
        node.layer(layers.Softmax() if node.op == "Softmax" else layers.LogSoftmax(), x)
    elif node.op == "Softmax":
        node.call("softmax", x, axis=int(axis))
    else:
        node.call("log", node.call("softmax", x, axis=int(axis), to=node.building.fresh("shares")))


@reads("Dropout")
def dropout(node: Node) -> None:
    ratio = node.optional(1, "a ratio")
    share = node.attribute("ratio", 0.5) if ratio is None else float(ratio.item())
    node.layer(layers.Dropout(float(share)), node.value(0))


@reads("Flatten")
def flatten(node: Node) -> None:
    x = node.value(0)
    if node.attribute("axis", 1) % max(x.ndim, 1) != 1 and x.ndim > 1:
        raise node.refused(f"axis {node.attribute('axis')}")
    if x.ndim == 2:
        node.alias(x)
    elif x.floating:
        node.layer(layers.Flatten(), x)
    else:
        node.call("reshape", x, shape=[node.whole([array.shape[0] for array in x.arrays]), -1])


@reads("Transpose")
def transpose(node: Node) -> None:
    x = node.value(0)
    order = tuple(int(axis) for axis in node.attribute("perm", range(x.ndim)[::-1]))
    if order == tuple(range(x.ndim)):
        node.alias(x)
    elif x.floating:
        node.layer(layers.Transpose(*order), x)
    else:
        node.call("permute_dims", x, axes=list(order))


def affine_layer(x: Value, W: Host, b: Host | None) -> Layer:
    """Return the layer of a product with a matrix, by the axes of x."""
    if x.ndim == 2:
        return layers.Affine(W, b)
    return layers.MatMul(W) if b is None else layers.Linear(W, b)


@reads("Gemm")
def gemm(node: Node) -> None:
    x, W = node.value(0), node.value(1).constant()
    if W is None or node.attribute("transA", 0):
        raise node.refused("weights that depend on an input" if W is None else "its first input turned")
    b = node.optional(2, "a bias")
    W = W.T if node.attribute("transB", 0) else W
    W = np.array(W * np.asarray(node.attribute("alpha", 1.0), W.dtype))
    if b is not None:
        if b.ndim == 2 and b.shape[0] != 1:
            raise node.refused(f"a bias {b.shape}")
        b = np.array(np.broadcast_to(np.ravel(b), (W.shape[1],)) * np.asarray(node.attribute("beta", 1.0), b.dtype))
    node.layer(layers.Affine(W, b), x, hint=node.hint(1))


@reads("MatMul")
def matmul(node: Node) -> None:
    x, second = node.value(0), node.value(1)
    W = second.constant()
    if x.static or W is None or W.ndim != 2:
        node.call("matmul", x, second)
        return
    user = node.only_user("Add")
    if user is not None:
        (other,) = [name for name in user.input if name != node.outputs[0]] or [node.outputs[0]]
        found = node.building.values.get(other)
        b = None if found is None else found.constant()
        if b is not None and b.ndim <= 2 and b.size == W.shape[1] and b.shape[-1:] == (W.shape[1],):
            layer = affine_layer(x, np.array(W), np.array(b.reshape(-1)))
            own = found.name.rpartition(".")[0] if found is not None and found.given else ""
            node.layer(layer, x, hint=node.hint(1) or own, to=[user.output[0]], beside=id(found))
            node.done.add(user.output[0])
            return
    node.layer(affine_layer(x, np.array(W), None), x, hint=node.hint(1))


@reads("Gather")
def gather(node: Node) -> None:
    x, indices = node.value(0), node.value(1)
    table, axis = x.constant(), int(node.attribute("axis", 0))
    if table is not None and table.ndim == 2 and table.dtype.kind == "f" and axis == 0 and not indices.static:
        node.layer(layers.Embedding(np.array(table)), indices, hint=node.hint(0))
        return
    at = indices.constant()
    if at is not None and at.ndim == 0:
        node.call("index", x, axis=axis, at=int(at))
    else:
        node.call("take", x, indices, axis=axis)
