"""``to_onnx``: a network as a model that programs without xpnet can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from xpnet.arguments import check_flags, is_whole, trimmed
from xpnet.backend import dtype_kind, dtype_name, is_array, to_numpy
from xpnet.errors import ArgumentError, DtypeError, XpnetError
from xpnet.files import path_of, written_in_place
from xpnet.interop.onnx.model import IR, Writer, onnx_module
from xpnet.interop.onnx.sizes import Graph, Size, Together
from xpnet.interop.onnx.symbols import OPSET, WHO, Host, Symbol, emit
from xpnet.interop.onnx.tracing import on_symbols, traced
from xpnet.layers import Layer, SigmoidWithLoss, SoftmaxWithLoss
from xpnet.random import Generator

Axes: TypeAlias = Mapping[str, Mapping[int, str]]
"""The axes of inputs that may have any size, with the name of the size, as in torch."""

BATCH, LENGTH = "batch", "length"


def to_onnx(
    network: Any,
    example: Any,
    file: str | Path | None = None,
    *,
    opset: int = 21,
    dynamic: Sequence[int] | Axes = (0,),
    probabilities: bool = False,
) -> Any:
    """Return a network as a model of ONNX, ``xn.to_onnx(net, x, "net.onnx")``, which is written if a file is named.

    The model computes ``net.predict``: running statistics and frozen layers as they are, without dropout, noise and
    loss. Its parameters have the names of ``net.params``. ``example`` is an input, or a tuple of several with None for
    those that are left out, of which only shapes and dtypes matter; or the shape of an input of floating numbers.

    ``dynamic`` names the axes that may have any size, by default the first: the batch. ``(0, 1)`` adds the length of
    sequences; ``{"x": {0: "batch", 1: "length"}}`` names sizes for each input. ``opset`` is the version of the
    operators, from 18 to 25. With ``probabilities`` a second output has those that ``net.predict_proba`` returns.

    Raises: ``ArgumentError`` for a layer without a counterpart, which it names, and for wrong options; ``DtypeError``
    for arrays of bfloat16 and a network that is none; ``BackendError`` where onnx is not installed; ``DataError`` for
    a file that cannot be written.

    >>> model = xn.to_onnx(TwoLayerNet(4, 3, 2), (1, 4))
    >>> [node.op_type for node in model.graph.node]
    ['Gemm', 'Relu', 'Gemm']
    """
    onnx_module(WHO)
    if not isinstance(network, Layer):
        must, remedy = "the first argument must be a network or layer", "give the network, then an example"
        raise DtypeError(WHO, must, type(network).__name__, remedy)
    check_flags(WHO, probabilities=probabilities)
    inputs = inputs_of(network, example)
    copy: Any = on_symbols(network)
    last = getattr(network, "last_layer", None)
    if probabilities:
        check_classes(last)

    def function(**given: Symbol | None) -> Any:
        y = copy.forward(*trimmed(given.values()))
        return (y, shares(last, y)) if probabilities else y

    names = ["y", "probabilities"] if probabilities else None
    return written(function, inputs, file, opset, dynamic, names, {"network": type(network).__name__})


def written(
    function: Callable[..., Any],
    inputs: Mapping[str, Host | None],
    file: str | Path | None,
    opset: int,
    dynamic: Sequence[int] | Axes,
    outputs: Sequence[str] | None,
    told: Mapping[str, str],
) -> Any:
    """Return the model of a function on symbols, and write it if a file is named."""
    if not is_whole(opset) or opset not in IR:
        must = f"opset must be a whole number from {min(IR)} to {max(IR)}"
        raise ArgumentError(WHO, must, repr(opset), "leave it out for 21")
    token = OPSET.set(int(opset))
    try:
        graph = graph_of(function, inputs, axes_of(inputs, dynamic))
    finally:
        OPSET.reset(token)
    if outputs is None:
        own = "output" if "y" in inputs else "y"
        outputs = [own] if len(graph.outputs) == 1 else [f"{own}{i}" for i in range(1, len(graph.outputs) + 1)]
    model = Writer(graph).model(outputs, int(opset), told)
    if file is not None:
        with written_in_place(path_of(WHO, file)) as part:
            part.write_bytes(model.SerializeToString())
    return model


def operators_of(network: Layer, example: Any, opset: int = 21) -> list[str]:
    """Return the operators that compute a network in a model, each once, in their order; onnx need not be installed.

    Raises: as ``to_onnx``.
    """
    copy: Any = on_symbols(network)
    token = OPSET.set(opset)
    try:
        inputs = inputs_of(network, example)
        graph = graph_of(lambda **given: copy.forward(*trimmed(given.values())), inputs, axes_of(inputs, (0,)))
    finally:
        OPSET.reset(token)
    return list(dict.fromkeys(step.op for step in graph.steps))


def inputs_of(network: Layer, example: Any) -> dict[str, Host | None]:
    """Return the inputs of a network by name, as host arrays.

    Raises: ``DtypeError`` for what is no array; ``ArgumentError`` for too many.
    """
    W = next(iter(network.params.values()), None)
    floating = np.float32 if W is None else np.dtype(dtype_name(W.dtype) if dtype_name(W.dtype) != "bfloat16" else "f4")
    if isinstance(example, tuple) and example and all(is_whole(size, 0) for size in example):
        example = Generator(0).normal(example, "example").astype(floating)
    given = example if isinstance(example, tuple) else (example,)
    names = network.inputs
    if len(given) > len(names):
        must = f"the example must be at most {len(names)} inputs, {', '.join(names)}"
        raise ArgumentError(WHO, must, len(given), "give a tuple of these, or an array")
    found: dict[str, Host | None] = {}
    for name, x in zip(names, given, strict=False):
        if x is None or is_array(x):
            host = None if x is None else to_numpy(x)
        else:
            host = as_host(name, x)
        if host is not None and host.dtype.kind in "iu":
            host = host.astype(np.int64)
        elif host is not None and dtype_kind(host) == "real":
            host = host.astype(floating)
        found[name] = host
    return found


def as_host(name: str, x: Any) -> Host:
    """Return lists and numbers as an array.

    Raises: ``DtypeError``.
    """
    host = np.asarray(x) if isinstance(x, list | float | int) else np.asarray(None)
    if host.dtype.kind not in "biuf":
        must, remedy = f"the example of {name} must be an array, or a shape", "give some rows, net_input[:2]"
        raise DtypeError(WHO, must, type(x).__name__, remedy)
    return host


def axes_of(inputs: Mapping[str, Host | None], dynamic: Sequence[int] | Axes) -> dict[str, dict[int, str]]:
    """Return the dynamic axes of each input by name.

    Raises: ``ArgumentError`` for axes or inputs that are not there, and for different sizes of one name.
    """
    arrays = {name: x for name, x in inputs.items() if x is not None}
    if not isinstance(dynamic, Mapping):
        axes: Any = dynamic
        if not isinstance(axes, tuple | list) or not all(is_whole(axis, 0) for axis in axes):
            remedy = 'write (0,), (0, 1), or {"x": {0: "batch"}}'
            raise ArgumentError(WHO, "dynamic must be axes from 0, or a dict of them", repr(dynamic), remedy)
        dynamic = named_axes(arrays, dynamic)
    sizes: dict[str, int] = {}
    for name, axes in dynamic.items():
        if name not in arrays or not all(is_whole(axis, 0) and axis < arrays[name].ndim for axis in axes):
            must = f"dynamic must name axes of {', '.join(f'{n} {x.shape}' for n, x in arrays.items())}"
            raise ArgumentError(WHO, must, f"{name}: {dict(axes)}", "leave it out")
        for axis, size in axes.items():
            if sizes.setdefault(size, arrays[name].shape[axis]) != arrays[name].shape[axis]:
                got = f"{sizes[size]} and {arrays[name].shape[axis]}"
                raise ArgumentError(WHO, f"axes named {size} must have one size in the example", got, "name them apart")
    return {name: dict(axes) for name, axes in dynamic.items()}


def named_axes(arrays: Mapping[str, Host], axes: Sequence[int]) -> Axes:
    """Return axes of inputs by names of their sizes; an axis of another size than that of the first input has its own.

    The first axis is that of the batch, which inputs of another size do not have.
    """
    first = next(iter(arrays.values()))
    found: dict[str, dict[int, str]] = {}
    for name, x in arrays.items():
        own = found.setdefault(name, {})
        for axis in axes:
            if axis < x.ndim:
                size = {0: BATCH, 1: LENGTH}.get(axis, f"axis{axis}")
                if axis >= first.ndim or x.shape[axis] != first.shape[axis]:
                    size = f"{name}_{size}"
                if size != f"{name}_{BATCH}":
                    own[axis] = size
    return found


def graph_of(
    function: Callable[..., Any], inputs: Mapping[str, Host | None], axes: Mapping[str, dict[int, str]]
) -> Graph:
    """Return the graph that a function has for all sizes of the dynamic axes, from runs on a few of them."""
    base = {
        size: inputs[name].shape[axis]  # type: ignore[union-attr]
        for name, own in axes.items()
        for axis, size in own.items()
    }
    try:
        return of_runs(function, inputs, axes, {n: between(n, size, 1) for n, size in base.items()})
    except XpnetError:  # a longer sequence may be too long
        if set(base) <= {BATCH}:
            raise
        return of_runs(function, inputs, axes, {n: between(n, size, -1) for n, size in base.items()})


def between(name: str, size: int, step: int) -> list[int]:
    """Return three sizes of an axis; a size of 1 would broadcast."""
    if name == BATCH:
        return [2, 3, 4]
    return [max(size, 2), max(size, 2) + 1, max(size, 2) + 2] if step > 0 else [size, size - 1, size - 2]


def of_runs(
    function: Callable[..., Any],
    inputs: Mapping[str, Host | None],
    axes: Mapping[str, dict[int, str]],
    sizes: Mapping[str, list[int]],
) -> Graph:
    corners = [dict(zip(sizes, row, strict=True)) for row in product(*[own[:2] for own in sizes.values()])]
    runs = [*corners, {name: own[2] for name, own in sizes.items()}] if sizes else [{}]
    found = []
    for run in runs:
        resized = {
            name: x if x is None else of_sizes(x, {axis: run[size] for axis, size in axes.get(name, {}).items()})
            for name, x in inputs.items()
        }
        found.append(traced(function, resized))
    together = Together(runs)
    graph = together.graph([given for given, _ in found], [outputs for _, outputs in found])
    for name, own in axes.items():
        for axis, size in own.items():
            graph.sizes.setdefault(size, (name, axis))
    for at, x in enumerate(graph.inputs):
        graph.shapes[id(x)] = shape_of(together, [given[at] for given, _ in found])
    for at, y in enumerate(graph.outputs):
        graph.shapes[id(y)] = shape_of(together, [outputs[at] for _, outputs in found])
    return graph


def of_sizes(x: Host, sizes: Mapping[int, int]) -> Host:
    """Return an example with other sizes of some axes, its values repeated."""
    for axis, size in sizes.items():
        if x.shape[axis] == 0:
            x = np.zeros((*x.shape[:axis], 1, *x.shape[axis + 1 :]), x.dtype)
        x = np.take(x, np.arange(size) % x.shape[axis], axis=axis)
    return x


def shape_of(together: Together, column: Sequence[Symbol]) -> list[int | str]:
    """Return a shape with the names of its dynamic sizes."""
    found: list[int | str] = []
    for lengths in zip(*[x.shape for x in column], strict=True):
        number = together.number(lengths, "the shape")
        if isinstance(number, Size):
            parts = ["*".join([*([str(factor)] if factor != 1 or not names else []), *names])
                     for factor, names in number.terms]  # fmt: skip
            found.append(" + ".join(parts))
        else:
            found.append(number)
    return found


def check_classes(last: Layer | None) -> None:
    """Raise ArgumentError for a network that does not learn classes."""
    if not isinstance(last, SoftmaxWithLoss | SigmoidWithLoss):
        must, remedy = "a network must end with a loss of classes to have probabilities", "leave probabilities out"
        raise ArgumentError(WHO, must, "no loss" if last is None else type(last).__name__, remedy)


def shares(last: Layer | None, y: Symbol) -> Symbol:
    """Return the probabilities that scores stand for."""
    if isinstance(last, SigmoidWithLoss):
        return emit("Sigmoid", [y], 1.0 / (1.0 + np.exp(-y.value)))  # type: ignore[no-any-return]
    powers = np.exp(y.value - y.value.max(axis=-1, keepdims=True))
    return emit("Softmax", [y], powers / powers.sum(axis=-1, keepdims=True), axis=-1)  # type: ignore[no-any-return]
