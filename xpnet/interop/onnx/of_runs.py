"""The network of a run as a model: what a user has goes in, pixels or columns, and answers come out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.backend import dtype_name
from xpnet.datasets import Classes, Columns, Images, Numbers, Symbols
from xpnet.datasets.byte_pairs import BytePairs
from xpnet.datasets.columns import Column
from xpnet.errors import ArgumentError
from xpnet.interop.onnx.elementwise import cast
from xpnet.interop.onnx.exporting import shares, written
from xpnet.interop.onnx.shapes import concat, expand_dims, reshape, squeeze, take
from xpnet.interop.onnx.symbols import OPSET, WHO, Host, Symbol, emit, refused
from xpnet.interop.onnx.tracing import on_symbols
from xpnet.layers import SigmoidWithLoss, SoftmaxWithLoss
from xpnet.training import Run
from xpnet.training.about import about

ROWS = 2
"""The rows of the example."""


def run_to_onnx(run: Run | str | Path, file: str | Path | None = None, *, opset: int = 21) -> Any:
    """Return the network of a run folder as a model of ONNX, with the conversions of its training inside.

    Images are the input ``images``, pixels from 0 to 255 ``(N, C, H, W)`` uint8 of the size of training. A table has an
    input for each column, ``(N,)``: numbers and dates (in days since 1970) float64, booleans bool, categories string.
    Texts are ``symbols (N, L)`` int64, and arrays ``x``. A network of classes answers ``label``, ``probabilities`` and
    ``scores``, one of numbers ``numbers``, and any other ``scores``. The metadata of the model tell what ``xpnet info``
    tells.

    Raises: ``ArgumentError`` as ``to_onnx``; ``DataError`` of ``Run``.

    >>> table = {"cm": [3.0, 5.0, 60.0, 80.0] * 5, "size": ["small", "small", "big", "big"] * 5}
    >>> data = Dataset.of(table, target="size")
    >>> history = Trainer(TwoLayerNet(1, 4, 2), SGD(lr=0.1), data).fit(1, folder="sizes")
    >>> [output.name for output in xn.run_to_onnx("sizes").graph.output]
    ['label', 'probabilities', 'scores']
    """
    opened = run if isinstance(run, Run) else Run(run)
    inputs, axes = example_of(opened)
    copy: Any = on_symbols(opened.network)
    W = next(iter(opened.network.params.values()), None)
    dtype = np.dtype("float32" if W is None else dtype_name(W.dtype))

    def function(**given: Any) -> Any:
        return tuple(answers(opened, copy.forward(encoded(opened, given, dtype))).values())

    facts = about(opened)
    told = {name: json.dumps(facts[name], ensure_ascii=False) for name in ("takes", "answers", "network")}
    dynamic = {name: dict(enumerate(("batch", "length")[:axes])) for name in inputs}
    return written(function, inputs, file, opset, dynamic, outputs_of(opened), told)


def example_of(run: Run) -> tuple[dict[str, Host | None], int]:
    """Return an example of each input, and the number of its dynamic axes.

    Raises: ``ArgumentError`` for arrays whose shape the run does not know.
    """
    inputs = run.encoding.inputs
    if isinstance(inputs, Images):
        pixels = np.arange(ROWS * inputs.width, dtype=np.int64) % 256
        return {"images": pixels.reshape(ROWS, inputs.channels, *inputs.size).astype(np.uint8)}, 1
    if isinstance(inputs, Columns):
        return {column.name: example_of_column(column) for column in inputs.columns if column.width}, 1
    if isinstance(inputs, Symbols | BytePairs):
        length = min(8, getattr(run.network, "context", None) or 8)
        return {"symbols": np.arange(ROWS * length, dtype=np.int64).reshape(ROWS, length) % inputs.width}, 2
    if run.encoding.row is None:
        must, remedy = "the run must know the shape of a row", "give an example, xn.to_onnx(run.network, x)"
        raise ArgumentError(WHO, must, "none", remedy)
    W = next(iter(run.network.params.values()), None)
    return {"x": np.ones((ROWS, *run.encoding.row), "float32" if W is None else dtype_name(W.dtype))}, 1


def example_of_column(column: Column) -> Host:
    """Return a few values of a column."""
    if column.kind == "category":
        return np.asarray([column.categories[0]] * ROWS, dtype=object)
    if column.kind == "boolean":
        return np.asarray([True] * ROWS)
    return np.asarray([column.mean] * ROWS, dtype=np.float64)


def encoded(run: Run, given: dict[str, Symbol], dtype: Any) -> Symbol:
    """Return what the network takes, of what the user has."""
    inputs = run.encoding.inputs
    if isinstance(inputs, Images):
        mean, std = (np.asarray(values, dtype=np.float32)[:, None, None] for values in (inputs.mean, inputs.std))
        x: Any = cast(given["images"], np.float32)
        x = (x / 255.0 - Symbol(mean, "images.mean")) / Symbol(std, "images.std")
        return cast(reshape(x, (x.shape[0], inputs.width)) if inputs.flat else x, dtype)
    if isinstance(inputs, Columns):
        parts = [encoded_column(c, given[c.name], inputs.missing == "fill") for c in inputs.columns if c.width]
        return cast(concat(parts, axis=1), dtype)
    return next(iter(given.values()))


def encoded_column(column: Column, x: Any, fill: bool) -> Symbol:
    """Return the numbers of a column, ``(N, 1)`` or one for each category."""
    if column.kind == "category":
        if OPSET.get() < 19:
            raise refused(f"the texts of column {column.name}", "choose opset 19 or newer")
        known = np.asarray(column.categories, dtype=object)
        one = expand_dims(x, axis=1)
        same = emit("Equal", [one, Symbol(known[None, :], f"{column.name}.categories")], x.value[:, None] == known)
        return cast(same, np.float64)
    x = cast(x, np.float64)
    if fill:
        x = emit("Where", [emit("IsNaN", [x], np.isnan(x.value)), Symbol(np.asarray(column.mean)), x], x.value)
    return expand_dims((x - column.mean) / column.std, axis=1)


def outputs_of(run: Run) -> tuple[str, ...]:
    """Return the names of the answers."""
    targets, last = run.encoding.targets, run.network.last_layer
    if isinstance(targets, Numbers):
        return ("numbers",)
    shared = ("probabilities", "scores") if isinstance(last, SoftmaxWithLoss | SigmoidWithLoss) else ("scores",)
    return ("label", *shared) if isinstance(targets, Classes) else shared


def answers(run: Run, scores: Any) -> dict[str, Symbol]:
    """Return the answers by name."""
    targets = run.encoding.targets
    made: dict[str, Symbol] = {}
    for name in outputs_of(run):
        if name == "numbers":
            wide = cast(scores, np.float64)
            numbers: Any = wide * targets.std + targets.mean  # type: ignore[operator,union-attr]
            made[name] = squeeze(numbers, axis=1) if numbers.ndim == 2 and numbers.shape[1] == 1 else numbers
        elif name == "label":
            made[name] = label(targets, scores)
        else:
            made[name] = scores if name == "scores" else shares(run.network.last_layer, scores)
    return made


def label(targets: Any, scores: Any) -> Symbol:
    """Return the names of the classes with the highest scores."""
    names = np.asarray(targets.names, dtype=object)
    if targets.kind == "boolean":
        names = names == "True"
    elif targets.kind == "integer":
        names = names.astype(np.int64)
    if scores.ndim == 1 or scores.shape[-1] == 1:
        one: Any = squeeze(scores, axis=1) if scores.ndim == 2 else scores
        place = cast(one > 0.0, np.int64)
    else:
        place = emit("ArgMax", [scores], scores.value.argmax(axis=-1), axis=-1, keepdims=0)
    return take(Symbol(names, "classes"), place, axis=0)
