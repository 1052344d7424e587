"""The culprits: the layers of a network that have spoilt its gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from xpnet.backend import size_of
from xpnet.gradcheck.report import Report
from xpnet.layers.base import Layer
from xpnet.layers.containers import in_a_row
from xpnet.layers.plain import as_layer, is_plain_network, layers_of

Origin = tuple[str, str]
"""The layer of a parameter, and its name there."""

FEW = 5000  # values of a wrong layer that are tried one by one for the cause


def with_culprits(report: Report, network: Any, inputs: tuple[Any, ...], check: Callable[..., Report]) -> Report:
    """Name the layers with a wrong backward in the rows that they may have spoilt.

    The gradient of a parameter comes from the loss through the dx of the layers behind its own, and then from its own
    layer: no other layer can have spoilt it.
    """
    given, last, origins = _parts(network)
    if last is None or network in given.values() or type(inputs[0]) is tuple:
        return report
    x, t = inputs
    nodes: dict[str, Layer] = {}
    own: dict[str, dict[str, str]] = {}
    for name, layer in given.items():
        nodes[name] = as_layer(layer, (x,))
        own[name] = _wrong_by_itself(check, nodes[name], x)
        x = nodes[name].forward(x)
    whole = f"the loss's backward ({type(last).__name__})"
    found = _wrong_by_itself(check, as_layer(last, (x, t)), x, t)
    loss = [f"{whole} is itself wrong: {why}" for why in found.values()]
    rows = []
    for row in report.rows:
        wrong = [*_behind(nodes, own, origins.get(row.name)), *loss]
        rows.append(replace(row, causes=tuple(wrong) or row.causes) if row.status == "fail" else row)
    return replace(report, rows=tuple(rows))


def _parts(network: Any) -> tuple[dict[str, Any], Any, dict[str, Origin]]:
    """Return the layers of a network in order, its loss, and the layer and name of each parameter."""
    if is_plain_network(network):
        nodes = layers_of(deepcopy(network))
        last = nodes.popitem()[1] if nodes else None
        owned = {name: vars(layer) for name, layer in layers_of(network).items()}
    elif (last := getattr(network, "last_layer", None)) is None:
        return {}, None, {}
    else:
        nodes = in_a_row(network)
        owned = {name: dict(layer.params) for name, layer in nodes.items()}
    origins = [(array, (name, part)) for name, arrays in owned.items() for part, array in arrays.items()]
    return nodes, last, {name: origin for name, W in network.params.items() for array, origin in origins if array is W}


def _behind(nodes: dict[str, Layer], own: dict[str, dict[str, str]], origin: Origin | None) -> Iterator[str]:
    """Yield the faults of the gradient of a parameter itself, and of the dx of the layers behind its own."""
    reached = False
    for name, node in nodes.items():
        for part, why in own[name].items():
            if (name, part) == origin or (reached and part not in node.params):
                yield f"{name}.backward is itself wrong: {part}: {why}"
        reached |= origin is not None and name == origin[0]


def _wrong_by_itself(check: Callable[..., Report], layer: Layer, *inputs: Any) -> dict[str, str]:
    """Return the inputs and parameters of a layer whose gradients are wrong, name -> likely cause."""
    report = check(layer.copy(), *inputs, mode="directions", dtype=None, directions=4)
    size = sum(size_of(array) for array in (*layer.params.values(), *inputs))
    if not report.ok and size <= FEW:
        report = check(layer.copy(), *inputs, dtype=None)
    return {row.name: "; ".join(row.causes) or "no known pattern" for row in report.rows if row.status == "fail"}
