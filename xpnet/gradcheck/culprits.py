"""Which layers of a network have spoilt its gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from xpnet.backend import size_of
from xpnet.gradcheck.report import Report
from xpnet.layers.base import Layer
from xpnet.layers.composition import in_a_row
from xpnet.layers.owner import within

FEW = 5000  # values of a wrong layer that are tried one by one for the cause


def with_culprits(report: Report, network: Any, inputs: tuple[Any, ...], check: Callable[..., Report]) -> Report:
    """Name the layers whose own backward is wrong, in the rows that they can have spoilt.

    The gradient of a parameter comes from the loss by the dx of the layers behind its own, and at last from its own
    layer: no other can have caused what is wrong with it.
    """
    if getattr(network, "last_layer", None) is None:
        return report
    x, t = inputs
    nodes = in_a_row(network)
    if network in nodes.values():
        return report
    own: dict[str, dict[str, str]] = {}
    for name, layer in nodes.items():
        own[name] = _wrong_by_itself(check, layer, x)
        x = layer.forward(x)
    last = f"the loss's backward ({type(network.last_layer).__name__})"
    loss = [f"{last} is wrong by itself: {why}" for why in _wrong_by_itself(check, network.last_layer, x, t).values()]
    rows = []
    for row in report.rows:
        wrong = [*_behind(nodes, own, network.params.places[row.name]), *loss]
        rows.append(replace(row, causes=tuple(wrong) or row.causes) if row.status == "fail" else row)
    return replace(report, rows=tuple(rows))


def _behind(nodes: dict[str, Layer], own: dict[str, dict[str, str]], place: tuple[Layer, str]) -> Iterator[str]:
    """What is wrong with the gradient of a parameter itself, and with the dx of the layers behind its own."""
    home = next((name for name, node in nodes.items() if any(place[0] is inner for inner in within(node))), None)
    reached = False
    for name, node in nodes.items():
        for part, why in own[name].items():
            found = node.params.places.get(part)
            if found == place or (found is None and reached):
                yield f"{name}.backward is wrong by itself: {part}: {why}"
        reached |= name == home


def _wrong_by_itself(check: Callable[..., Report], layer: Layer, *inputs: Any) -> dict[str, str]:
    """The inputs and parameters of a layer whose gradients are wrong, name -> likely cause."""
    report = check(layer.copy(), *inputs, mode="directions", dtype=None, directions=4)
    size = sum(size_of(array) for array in (*layer.params.values(), *inputs))
    if not report.ok and size <= FEW:
        report = check(layer.copy(), *inputs, dtype=None)
    return {row.name: "; ".join(row.causes) or "no known pattern" for row in report.rows if row.status == "fail"}
