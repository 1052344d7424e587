"""The summary of a network on a batch: output shapes, parameters, memory and multiply-adds of each layer."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

from xpnet.backend import dtype_name, is_array, size_of
from xpnet.backend.several import first_of
from xpnet.errors import DtypeError
from xpnet.layers import (
    Affine,
    Convolution,
    Layer,
    Linear,
    MatMul,
    MultiHeadAttention,
    TransposedConvolution,
)
from xpnet.layers.container import within
from xpnet.layers.recurrence import Recurrent
from xpnet.typesetting import aligned

BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}


class Line(NamedTuple):
    """A row of a summary, for one layer."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    memory: int
    products: int


def lines(network: Any, x: Any) -> list[Line]:
    """Return a row for each call of a layer, in the order of the calls, computed as ``predict`` does.

    A layer that is called many times has many rows. Multiply-adds are those of matrix products and convolutions, which
    take nearly all of the time; sums and functions of single values are not counted.

    Raises: ``DtypeError`` for an x that is not an array.
    """
    if not is_array(first_of(x)):
        must, remedy = "x must be a batch, an array", "give the first rows, such as x_train[:2]"
        raise DtypeError(f"{type(network).__name__}.summary", must, type(x).__name__, remedy)
    found: list[Line] = []

    def note(path: str, layer: Layer, inputs: tuple[Any, ...], y: Any) -> None:
        parameters = sum(size_of(array) for array in layer.params.values())
        results = y if isinstance(y, tuple) else (y,)
        memory = sum(size_of(each) * BYTES.get(dtype_name(each.dtype), 8) for each in results)
        shape = tuple(results[0].shape)
        found.append(Line(path, type(layer).__name__, shape, parameters, memory, products(layer, inputs[0], shape)))

    listen(network, x, note)
    return found


def listen(network: Any, x: Any, note: Callable[[str, Layer, tuple[Any, ...], Any], None]) -> None:
    """Compute the scores of a batch as ``predict`` does, by the equations, and report each call of a layer.

    ``note`` receives the path of the layer, the copy of it that ran, its inputs, and its output.
    """
    inferring = network.inferring()
    for path, layer in paths(inferring):
        if not layer.is_container:
            layer.forward = heard(path, layer, layer.forward, note)
    inferring.compute_scores(x)


def heard(path: str, layer: Layer, forward: Any, note: Callable[[str, Layer, tuple[Any, ...], Any], None]) -> Any:
    """Return the forward of a layer that also reports its output."""

    def noting(*inputs: Any) -> Any:
        y = forward(*inputs)
        note(path, layer, inputs, y)
        return y

    return noting


def products(layer: Layer, x: Any, shape: tuple[int, ...]) -> int:
    """Return the multiply-adds of the matrix products of a layer."""
    arrays = layer.params
    if isinstance(layer, Affine | Linear | MatMul):
        D, _ = arrays["W"].shape
        return prod(shape) * D
    if isinstance(layer, Convolution):
        return prod(shape) * prod(arrays["W"].shape[1:])
    if isinstance(layer, TransposedConvolution):
        return size_of(x) * prod(arrays["W"].shape[1:])
    if isinstance(layer, MultiHeadAttention):
        N, L, D = x.shape
        A, B = arrays["Wq"].shape[1], arrays["Wk"].shape[1]
        return int(N * L * 2 * D * (A + B) + 2 * N * L * L * A)
    if isinstance(layer, Recurrent):
        N, L, D = x.shape
        H, columns = arrays["Wh"].shape
        return int(N * L * columns * (D + H))
    return 0


def paths(layer: Any, path: str = "") -> list[tuple[str, Layer]]:
    """Return the layers inside a layer with their paths."""
    found = []
    for name, inner in layer.layers.items():
        own = f"{path}.{name}" if path else name
        found.append((own, inner))
        if inner.is_container:
            found += paths(inner, own)
    return found


def table_for(network: Any, x: Any) -> str:
    """Return the rows as a table with the sums below."""
    told = lines(network, x)
    trained = sum(size_of(array) for array in network.params.values())
    rows = [("layer", "kind", "output", "parameters", "memory", "multiply-adds")]
    rows += [(line.name, line.kind, str(line.shape), f"{line.parameters:,}", size(line.memory), f"{line.products:,}")
             for line in told]  # fmt: skip
    weights = sum(size_of(a) * BYTES.get(dtype_name(a.dtype), 8) for a in network.params.values())
    memory = sum(line.memory for line in told)
    total = f"{sum(line.products for line in told):,}"
    layers = f"{sum(not layer.is_container for layer in within(network))} layers"
    rows.append(("total", layers, "", f"{trained:,}", size(memory), total))
    end = f"parameters take {size(weights)}; memory is that of the outputs, which training keeps"
    return "\n".join([*ruled(aligned(rows, right=3)), end])


def size(count: int) -> str:
    """Return a number of bytes in a suitable unit."""
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "B" else f"{count} B"
        count /= 1000  # type: ignore[assignment]
    return f"{count:.3g} GB"


def table_of(network: Any) -> str:
    """Return the table of a network, with the contents of containers indented."""
    return "\n".join(ruled(aligned(table_rows(network), right=1)))


def table_rows(network: Any) -> list[tuple[str, str, str, str]]:
    """Return the rows of the table of a network: the names of the columns, the layers, the sum."""
    return [("layer", "kind", "parameters", "count"), *rows_of(network), ("total", "", "", f"{count(network):,}")]


def ruled(lines: list[str]) -> list[str]:
    """Return lines with a rule below the first and above the last."""
    rule = "-" * max(map(len, lines))
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]


def count(layer: Any) -> int:
    """Return the number of trained values of a layer or network."""
    return sum(size_of(array) for array in layer.params.values())


def rows_of(container: Any, indent: str = "") -> list[tuple[str, str, str, str]]:
    """Return a row for each layer of a container, with those of its own layers indented below."""
    rows = []
    for name, layer in container.layers.items():
        shapes = (
            ""
            if layer.is_container
            else ", ".join(f"{key} {tuple(array.shape)}" for key, array in layer.params.items())
        )
        rows.append((indent + name, type(layer).__name__, shapes, f"{count(layer):,}"))
        if layer.is_container:
            rows += rows_of(layer, indent + "  ")
    loss = getattr(container, "last_layer", None)
    if loss is not None:
        shapes = ", ".join(f"{key} {tuple(array.shape)}" for key, array in loss.params.items())
        rows.append(("loss", type(loss).__name__, shapes, f"{count(loss):,}"))
    return rows
