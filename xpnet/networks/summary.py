"""The table of a network's layers, with the shapes and numbers of their parameters."""

from __future__ import annotations

from typing import Any

from xpnet.backend import size_of


def table_of(network: Any) -> str:
    """The table of a network; what a container contains is indented."""
    rows = [("layer", "kind", "parameters", "count"), *_rows(network)]
    if network.last_layer is not None:
        rows.append(("loss", type(network.last_layer).__name__, "", "0"))
    rows.append(("total", "", "", f"{count(network):,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3].rjust(10)])
        for row in rows
    ]
    rule = "-" * len(lines[0])
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def count(layer: Any) -> int:
    """The number of trained values of a layer or network."""
    return sum(size_of(array) for array in layer.params.values())


def _rows(container: Any, indent: str = "") -> list[tuple[str, str, str, str]]:
    """A row for each layer of a container, and below it, indented, those of its own layers."""
    rows = []
    for name, layer in container.layers.items():
        shapes = (
            ""
            if layer.is_container
            else ", ".join(f"{key} {tuple(array.shape)}" for key, array in layer.params.items())
        )
        rows.append((indent + name, type(layer).__name__, shapes, f"{count(layer):,}"))
        if layer.is_container:
            rows += _rows(layer, indent + "  ")
    return rows
