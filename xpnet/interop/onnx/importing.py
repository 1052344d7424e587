"""``from_onnx``: a model of another program as a network of xpnet's layers, which can be trained on."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.backend import get_backend, is_array, to_numpy, use_backend
from xpnet.errors import ArgumentError, DataError, XpnetError
from xpnet.interop.onnx import function_readers, recurrent_readers, window_readers
from xpnet.interop.onnx.building import Building, Value, check_size
from xpnet.interop.onnx.folding import FOLDED, fold
from xpnet.interop.onnx.nodes import Node
from xpnet.interop.onnx.readers import READERS
from xpnet.interop.onnx.reading import REMEDY, WHO, array_of, attributes_of, no_counterpart, opset_of, read
from xpnet.interop.onnx.sizes import Together
from xpnet.layers import Identity, Layer, LogSoftmax, Sigmoid, SigmoidWithLoss, Softmax, SoftmaxWithLoss
from xpnet.networks import Network, Sequential
from xpnet.networks.graph import Graph, targets_of
from xpnet.random import Generator

FAMILIES = (function_readers, recurrent_readers, window_readers)
"""The modules that register their operators in ``READERS``."""

USUAL = 8
"""The size of an axis that the file leaves open, unless an example shows another."""

EXAMPLE = 30_000_000
"""The elements of the largest input that is drawn as an example."""

CORNERS = 8
"""The number of sizes that a file may leave open; all combinations of two values of each are run."""

Shapes = dict[str, tuple[list[int | str], Any]]


def from_onnx(file: Any, loss: Layer | None = None, *, example: Any = None, output: str | None = None) -> Any:
    """Return the network of a model of ONNX, ``net = xn.from_onnx("model.onnx", loss=SoftmaxWithLoss())``.

    It is a ``Sequential`` of layers where the model is a chain, and else a ``Graph``, on the current backend, and can
    be trained, saved and drawn as any network. Layers are named after their weights in the file. A softmax or sigmoid
    at the end is left out where the ``loss`` contains it: ``predict`` then returns the scores. ``output`` names the
    output, by default the first of floating numbers; ``example``, an input or a tuple of them, shows shapes that the
    file leaves open. Statistics of normalizations go on from those of the file. ``file`` may be the model or its bytes.

    Nothing in the file is executed, and arrays in a second file are read from its folder alone.

    Raises: ``ArgumentError`` for a node without a counterpart, which it names; ``DataError`` for a file that cannot be
    read or is damaged; ``BackendError`` where onnx is not installed.

    >>> net = xn.from_onnx(xn.to_onnx(TwoLayerNet(4, 3, 2), (1, 4)), loss=SoftmaxWithLoss())
    >>> net.predict(np.ones((5, 4))).shape
    (5, 2)
    """
    backend = get_backend()
    model, folder = read(file)
    try:
        with use_backend("numpy"):
            network = any_batch(model, folder, inputs_of(model, example), output_of(model, output), loss)
    except XpnetError:
        raise
    except Exception as error:  # whatever a node that breaks the rules of ONNX makes its reader raise
        must, got = "the model must be a model of ONNX", f"{type(error).__name__}: {error}".partition("\n")[0]
        raise DataError(WHO, must, got, REMEDY) from error
    return network.to(backend.library.name, backend.device) if backend.library.name != "numpy" else network


def any_batch(model: Any, folder: Path | None, shapes: Shapes, target: str, loss: Layer | None) -> Network:
    """Return the network of a model for a batch of any size, or of that in the file where it cannot have another."""
    free = with_free_batch(shapes)
    try:
        return network_of(model, folder, free or shapes, target, loss)
    except XpnetError:
        if free is None:
            raise
    return network_of(model, folder, shapes, target, loss)


def inputs_of(model: Any, example: Any) -> Shapes:
    """Return the shape of each input, with the names of sizes that are open, and its dtype.

    Raises: ``DataError`` for inputs of unknown shape; ``ArgumentError`` for an example that does not fit.
    """
    from onnx import helper

    held = {tensor.name for tensor in model.graph.initializer}
    given = [value for value in model.graph.input if value.name not in held]
    examples = example if isinstance(example, tuple) else (example,)
    if example is not None and len(examples) != len(given):
        must = f"example must be {len(given)} inputs, {', '.join(value.name for value in given)}"
        raise ArgumentError(WHO, must, len(examples), "give a tuple of them")
    found: Shapes = {}
    for at, value in enumerate(given):
        own = value.type.tensor_type
        dtype = helper.tensor_dtype_to_np_dtype(own.elem_type) if own.elem_type else np.dtype("float32")
        if dtype.kind not in "fiub":
            must = f"the input {value.name} must be numbers"
            raise ArgumentError(WHO, must, "texts" if dtype.kind == "O" else dtype.name, "export the network alone")
        if example is not None:
            shape = to_numpy(examples[at]).shape if is_array(examples[at]) else np.shape(examples[at])
            found[value.name] = (["batch", *shape[1:]] if shape else [], dtype)
            continue
        if not own.HasField("shape"):
            must, remedy = f"the shape of the input {value.name} must be known", "give example=x, some rows"
            raise ArgumentError(WHO, must, "none", remedy)
        sizes: list[int | str] = []
        for axis, size in enumerate(own.shape.dim):
            open_name = size.dim_param or ("batch" if axis == 0 else f"{value.name}_{axis}")
            sizes.append(int(size.dim_value) if size.HasField("dim_value") else open_name)
        found[value.name] = (sizes, dtype)
    return found


def with_free_batch(shapes: Shapes) -> Shapes | None:
    """Return shapes whose first axis, which the file fixes, may have any size, or None where it is open already."""
    firsts = {sizes[0] for sizes, _ in shapes.values() if sizes}
    if len(firsts) != 1 or isinstance(next(iter(firsts)), str):
        return None
    return {name: (["batch", *sizes[1:]] if sizes else [], dtype) for name, (sizes, dtype) in shapes.items()}


def output_of(model: Any, name: str | None) -> str:
    """Return the name of the output that the network returns.

    Raises: ``ArgumentError`` for one that is not there.
    """
    names = [value.name for value in model.graph.output]
    if name is not None and name not in names:
        raise ArgumentError(WHO, f"output must be one of {', '.join(names)}", repr(name), "choose one")
    floating = [v.name for v in model.graph.output if v.type.tensor_type.elem_type in (1, 10, 11)]
    return name or (floating or names)[0]


def network_of(model: Any, folder: Path | None, shapes: Shapes, target: str, loss: Layer | None) -> Network:
    """Return the network of a model for shapes of its inputs."""
    building = building_of(model, shapes)
    graph = model.graph
    for tensor in graph.initializer:
        array = array_of(tensor, folder)
        building.values[tensor.name] = Value(tensor.name, [array] * len(building.sizes), True, True)
        building.given += array.size
    wanted = needed(graph, target)
    users: dict[str, list[Any]] = {}
    for node in graph.node:
        if any(name in wanted for name in node.output):
            for name in {*node.input}:
                users.setdefault(name, []).append(node)
    users.setdefault(target, []).append(graph.output[0])  # an output of the model has a user outside
    done: set[str] = set()
    for proto in graph.node:
        names = [name for name in proto.output if name in wanted and name not in done]
        if names:
            done |= converted(building, proto, attributes_of(proto, folder), users)
    if target not in building.values:
        raise DataError(WHO, f"the output {target} must be computed", "nothing that does", REMEDY)
    return finished(building, shapes, target, loss)


def building_of(model: Any, shapes: Shapes) -> Building:
    """Return an empty building, with examples of the inputs for some sizes of their open axes."""
    names: dict[str, list[int]] = {}
    for sizes, _ in shapes.values():
        for axis, size in enumerate(sizes):
            if isinstance(size, str):
                names.setdefault(size, [2, 3, 4] if axis == 0 else [USUAL, USUAL + 1, USUAL + 2])
    if len(names) > CORNERS:
        must = f"at most {CORNERS} sizes of the inputs may be open"
        raise ArgumentError(WHO, must, len(names), "give example=x, some rows, or fix them in the file")
    corners = [dict(zip(names, row, strict=True)) for row in product(*[own[:2] for own in names.values()])]
    runs = [*corners, {name: own[2] for name, own in names.items()}] if names else [{}]
    building = Building(Together(runs), runs, opset_of(model))
    rng = Generator(0)
    for name, (sizes, dtype) in shapes.items():
        arrays = []
        for run in runs:
            shape = tuple(run[size] if isinstance(size, str) else size for size in sizes)
            check_size(shape, EXAMPLE)
            values = rng.normal(shape, f"example.{name}") if dtype.kind == "f" else np.zeros(shape)
            arrays.append(values.astype(dtype))
        building.values[name] = Value(name, arrays, False)
    return building


def needed(graph: Any, target: str) -> set[str]:
    """Return the names of all values on which one depends.

    Raises: ``DataError`` for nodes that are not in order.
    """
    producers = {name: node for node in graph.node for name in node.output if name}
    found, stack = set(), [target]
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack += list(producers[name].input) if name in producers else []
    return found


def converted(building: Building, proto: Any, attributes: dict[str, Any], users: Mapping[str, list[Any]]) -> set[str]:
    """Convert a node, and return the names of outputs of later nodes that it has made too."""
    missing = [name for name in proto.input if name and name not in building.values]
    if missing:
        must = f"the inputs of {proto.name or proto.op_type} must be computed before it"
        raise DataError(WHO, must, f"{missing[0]}, which is not", REMEDY)
    if proto.domain not in ("", "ai.onnx"):
        raise no_counterpart(f"{proto.domain}.{proto.op_type}", proto.name)
    given = [building.values[name] for name in proto.input if name]
    graphs = any(attribute.type in (5, 10) for attribute in proto.attribute)
    static = proto.op_type in ("Shape", "Size") or all(value.static for value in given)
    if not graphs and static and proto.op_type in FOLDED:
        fold(building, proto, given)
        return set()
    if proto.op_type not in READERS or graphs:
        raise no_counterpart(proto.op_type, proto.name or proto.output[0])
    node = Node(building, proto, attributes, lambda name: users.get(name, []))
    try:
        READERS[proto.op_type](node)
    except DataError:
        raise
    except XpnetError as error:
        if error.who == WHO:
            raise
        raise no_counterpart(proto.op_type, node.name, f"options that the layer refuses ({error})") from error
    return node.done


def finished(building: Building, shapes: Shapes, target: str, loss: Layer | None) -> Network:
    """Return the network of what has been built: a chain of layers, or a graph."""
    name = building.values[target].name
    if building.values[target].static:
        must, remedy = "the output must depend on an input", "choose another, output=…"
        raise ArgumentError(WHO, must, f"{target}, which does not", remedy)
    calls = used(building, name)
    if calls and inside_loss(building.layers.get(calls[-1].get("layer", "")), loss):
        name = calls.pop()["of"][0]
    layers = {call["layer"]: building.layers[call["layer"]] for call in calls if "layer" in call}
    inputs, before, chain = list(shapes), next(iter(shapes), ""), len(shapes) == 1
    for call in calls:
        chain = chain and "layer" in call and call["of"] == [before] and isinstance(call["to"], str)
        before = call["to"] if isinstance(call["to"], str) else ""
    if chain and layers:
        return Sequential(layers, loss=loss)
    sizes = {size: (own, axis) for own, (each, _) in shapes.items() for axis, size in enumerate(each)
             if isinstance(size, str)}  # fmt: skip
    wanted = {size for call in calls for size in sizes_in(call.get("options", {}))}
    kept = {size: place for size, place in sizes.items() if size in wanted}
    return Graph(layers or {"Identity1": Identity()}, calls, inputs, name, kept, loss)


def used(building: Building, target: str) -> list[dict[str, Any]]:
    """Return the calls on which a value depends, in order."""
    wanted, found = {target}, []
    for call in reversed(building.calls):
        if wanted & {*targets_of(call)}:
            found.append(call)
            wanted |= {value for value in call["of"] if isinstance(value, str)}
    return found[::-1]


def sizes_in(option: Any) -> set[str]:
    """Return the names of the sizes on which options depend."""
    if isinstance(option, Mapping) and "sizes" in option:
        return {name for _, names in option["sizes"] for name in names}
    each = option.values() if isinstance(option, Mapping) else option if isinstance(option, list | tuple) else ()
    return {name for one in each for name in sizes_in(one)}


def inside_loss(last: Layer | None, loss: Layer | None) -> bool:
    """Return whether the loss contains the last layer."""
    if isinstance(loss, SoftmaxWithLoss):
        return isinstance(last, Softmax | LogSoftmax)
    return isinstance(loss, SigmoidWithLoss) and isinstance(last, Sigmoid)
