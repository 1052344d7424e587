"""``python tests/layers/page.py`` writes ``docs/layers.md``: all layers, losses, optimizers and networks in tables."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "layers.md"
sys.path[:0] = [str(HERE), str(ROOT)]

from counterparts import COUNTERPARTS, OPTIMIZERS  # noqa: E402 (the path comes first)

from xpnet import layers, networks, optimizers  # noqa: E402
from xpnet.cases import CASES, Case  # noqa: E402
from xpnet.interop.onnx.exporting import operators_of  # noqa: E402
from xpnet.layers.loss import Loss  # noqa: E402

HEAD = """# Layers

Made by `python tests/layers/page.py`. A layer's equation is the first line of its docstring; below it are the options
of its constructor after its arrays, with their defaults, and `create` makes the arrays. The tests run every layer on
NumPy, CuPy, PyTorch, JAX and array-api-strict, and compare its backward with the graph of its forward and with
numerical differentiation. Names in torch are those of `torch.nn` or `optim`, names in Keras those of `keras.layers`,
`activations`, `losses` or `optimizers`; options may differ in name and default. The last column says what `xn.to_onnx`
makes of a layer with its first options: the operators of ONNX by name, or, where there are many, the steps of its
equations. Layers that do nothing in inference need no operator, and losses are not written.

"""
NAMED = 3  # operators; more are counted


def kinds_of(module: Any, base: type) -> list[type]:
    """Return the classes that a module exports, each once, in the order of their names."""
    exported = [getattr(module, name) for name in module.__all__]
    classes = {kind for kind in exported if isinstance(kind, type) and issubclass(kind, base) and kind is not base}
    return sorted(classes, key=lambda kind: kind.__name__.lower())


def first_line(kind: type) -> str:
    """Return the first line of a docstring for a cell of a table."""
    return (kind.__doc__ or "").strip().split("\n")[0].replace("``", "`").replace("|", "\\|")


def options_of(kind: Any) -> str:
    """Return the options of a constructor, with their defaults."""
    found, arrays = [], {"arrays", "rng", "loss"}
    if issubclass(kind, layers.Layer):
        arrays |= {*kind.parameters, *kind.state}
    for option in list(inspect.signature(kind.__init__).parameters.values())[1:]:
        if option.name in arrays or option.kind is option.VAR_KEYWORD:
            continue
        if option.default is option.empty:
            found.append(f"*{option.name}" if option.kind is option.VAR_POSITIONAL else option.name)
        else:
            found.append(f"{option.name}={option.default!r}")
    return ", ".join(f"`{option}`" for option in found)


def told(kind: type) -> str:
    """Return the first line of a docstring, and the options below it."""
    return "<br>".join(filter(None, (first_line(kind), options_of(kind))))


def table(head: str, rows: Iterable[tuple[str, ...]]) -> str:
    columns = head.split("|")
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def of_layers(kinds: Iterable[type]) -> str:
    rows = []
    for kind in kinds:
        torch, keras = COUNTERPARTS[kind.__name__]
        row = (f"`{kind.__name__}`", told(kind), torch, keras)
        if not issubclass(kind, Loss):
            row += (operators(next(case for case in CASES if case.layer is kind)),)
        rows.append(row)
    head = ["Layer", "Equation, options", "torch", "Keras", "ONNX"]
    return table("|".join(head[: len(rows[0])]), rows)


def operators(case: Case) -> str:
    """Return the operators that the exporter writes for a case, or their number where a reader would not read them."""
    names = operators_of(*case.build())
    return f"its equations, {len(names)} operators" if len(names) > NAMED else ", ".join(names) or "none needed"


def of_optimizers(kinds: Iterable[type]) -> str:
    rows = [(f"`{kind.__name__}`", told(kind), *OPTIMIZERS[kind.__name__]) for kind in kinds]
    return table("Class|Equation, options|torch|Keras", rows)


def short(kinds: Iterable[type]) -> str:
    return table("Class|Equation, options", [(f"`{kind.__name__}`", told(kind)) for kind in kinds])


def page() -> str:
    every = kinds_of(layers, layers.Layer)
    parts = [
        HEAD + of_layers([kind for kind in every if not issubclass(kind, Loss)]),
        "## Losses\n\n" + of_layers([kind for kind in every if issubclass(kind, Loss)]),
        "## Optimizers\n\n" + of_optimizers(kinds_of(optimizers, optimizers.Optimizer)),
        "## Networks\n\n" + short(kinds_of(networks, networks.Network)),
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
