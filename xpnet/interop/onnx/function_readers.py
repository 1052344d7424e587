"""The operators of ONNX that become calls of functions: arithmetic, shapes, parts and reductions."""

from __future__ import annotations

from typing import Any

from xpnet import layers
from xpnet.interop.onnx.building import Value, check_size
from xpnet.interop.onnx.nodes import Node
from xpnet.interop.onnx.readers import READERS, reads

END = 1 << 31

BINARY = {
    "Add": "add",
    "Sub": "subtract",
    "Mul": "multiply",
    "Div": "divide",
    "Pow": "pow",
    "Max": "maximum",
    "Min": "minimum",
    "Sum": "add",
    "And": "logical_and",
    "Or": "logical_or",
    "Less": "less",
    "Equal": "equal",
    "LessOrEqual": "less_equal",
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
}
UNARY = {
    "Neg": "negative",
    "Abs": "abs",
    "Exp": "exp",
    "Log": "log",
    "Sqrt": "sqrt",
    "Sin": "sin",
    "Cos": "cos",
    "Floor": "floor",
    "Ceil": "ceil",
    "Sign": "sign",
    "Not": "logical_not",
    "Erf": "erf",
    "IsNaN": "isnan",
    "Reciprocal": "reciprocal",
    "IsInf": "isinf",
}
REDUCTIONS = {"ReduceSum": "sum", "ReduceMean": "mean", "ReduceMax": "max", "ReduceMin": "min", "ReduceProd": "prod"}


def unary(function: str) -> Any:
    return lambda node: node.call(function, node.value(0))


READERS |= {op: unary(function) for op, function in UNARY.items()}


@reads(*BINARY)
def binary(node: Node) -> None:
    function, operands = BINARY[node.op], [node.value(at) for at in range(len(node.inputs))]
    found: Any = operands[0]
    if len(operands) == 1:
        node.alias(found)
    for at, other in enumerate(operands[1:], 2):
        last = at == len(operands)
        sides = [node.operand(found, other), node.operand(other, found)]
        found = node.call(function, *sides, to=None if last else node.building.fresh(node.op))


@reads("Identity")
def identity(node: Node) -> None:
    node.alias(node.value(0))


@reads("Cast", "CastLike")
def cast(node: Node) -> None:
    from onnx import helper

    x = node.value(0)
    wanted = node.value(1).arrays[0].dtype if node.op == "CastLike" else helper.tensor_dtype_to_np_dtype(
        node.attribute("to"))  # fmt: skip
    if wanted == x.arrays[0].dtype:
        node.alias(x)
    elif wanted.name not in ("float16", "float32", "float64", "bool", "int32", "int64", "uint8", "int8"):
        raise node.refused(f"the dtype {wanted.name}")
    else:
        node.call("astype", x, dtype=wanted.name)


@reads("Where")
def where(node: Node) -> None:
    condition, a, b = (node.value(at) for at in range(3))
    sides = [node.operand(a, b), node.operand(b, a)]
    if not any(isinstance(side, Value) for side in sides):
        sides = [a, sides[1]]
    node.call("where", condition, *sides)


@reads(*REDUCTIONS)
def reduction(node: Node) -> None:
    x = node.value(0)
    axes = node.attribute("axes")
    if node.given(1) is not None:
        axes = node.constant(1, "axes").tolist()
    if not axes and node.attribute("noop_with_empty_axes", 0):
        node.alias(x)
        return
    own = [int(axis) % x.ndim for axis in axes] if axes else list(range(x.ndim))
    node.call(REDUCTIONS[node.op], x, axis=own, keepdims=bool(node.attribute("keepdims", 1)))


@reads("ReduceL2")
def norm(node: Node) -> None:
    x, fresh = node.value(0), node.building.fresh
    axes = node.attribute("axes") if node.given(1) is None else node.constant(1, "axes").tolist()
    square = node.call("multiply", x, x, to=fresh("square"))
    own = [int(axis) % x.ndim for axis in axes] if axes else list(range(x.ndim))
    total = node.call("sum", square, axis=own, keepdims=bool(node.attribute("keepdims", 1)), to=fresh("total"))
    node.call("sqrt", total)


@reads("Reshape")
def reshape(node: Node) -> None:
    x, runs = node.value(0), node.numbers(1, "shapes")
    copied = not node.attribute("allowzero", 0)

    def reshaped(run: int) -> tuple[int, ...]:
        array, numbers = x.arrays[run], enumerate(runs[run])
        wanted = [array.shape[at] if copied and number == 0 else number for at, number in numbers]
        found: tuple[int, ...] = array.reshape(tuple(wanted)).shape
        return found

    shapes = node.run(reshaped)
    if all(shape == array.shape for shape, array in zip(shapes, x.arrays, strict=True)):
        node.alias(x)
        return
    sizes = [node.whole(column) for column in zip(*shapes, strict=True)]
    rows = all(shape[:1] == array.shape[:1] for shape, array in zip(shapes, x.arrays, strict=True))
    if (
        rows
        and x.floating
        and x.ndim > 1
        and len(sizes) > 1
        and all(isinstance(size, int) and size > 0 for size in sizes[1:])
    ):
        node.layer(layers.Flatten() if len(sizes) == 2 else layers.Reshape(*sizes[1:]), x)
        return
    if sum(not isinstance(size, int) for size in sizes) == 1 and 0 not in sizes:
        sizes = [size if isinstance(size, int) else -1 for size in sizes]
    node.call("reshape", x, shape=sizes)


def axes_of(node: Node, ndim: int) -> list[int]:
    """Return the axes of a node, an attribute or an input."""
    axes = node.attribute("axes") if node.given(1) is None else node.constant(1, "axes").reshape(-1).tolist()
    return [int(axis) % ndim for axis in axes or ()]


@reads("Unsqueeze")
def unsqueeze(node: Node) -> None:
    x = node.value(0)
    count = len(node.attribute("axes") or ()) if node.given(1) is None else node.constant(1, "axes").size
    node.call("expand_dims", x, axes=axes_of(node, x.ndim + count))


@reads("Squeeze")
def squeeze(node: Node) -> None:
    x = node.value(0)
    axes = axes_of(node, x.ndim) or [axis for axis, size in enumerate(x.shape) if size == 1]
    node.call("squeeze", x, axes=axes)


@reads("Expand")
def expand(node: Node) -> None:
    runs = node.numbers(1, "shapes")
    node.call("broadcast_to", node.value(0), shape=[node.whole(column) for column in zip(*runs, strict=True)])


@reads("Concat")
def concat(node: Node) -> None:
    parts = [node.value(at) for at in range(len(node.inputs))]
    if len(parts) == 1:
        node.alias(parts[0])
    else:
        node.call("concat", *parts, axis=int(node.attribute("axis")))


@reads("Slice")
def cut(node: Node) -> None:
    x = node.value(0)
    if node.given(1) is None:
        runs = [[[int(n) for n in node.attribute(name)]] * len(x.arrays) for name in ("starts", "ends")]
        axes, steps = node.attribute("axes"), None
    else:
        runs = [node.numbers(1, "starts"), node.numbers(2, "ends")]
        axes = None if node.given(3) is None else node.constant(3, "axes").tolist()
        steps = None if node.given(4) is None else node.constant(4, "steps").tolist()
    count = len(runs[0][0])
    axes, steps = axes or range(count), steps or [1] * count
    for at, (axis, step) in enumerate(zip(axes, steps, strict=True)):
        starts, ends = ([run[at] for run in part] for part in runs)
        lengths = [array.shape[int(axis)] for array in x.arrays]
        start = None if step < 0 and starts[0] in (-1, END) else node.whole(starts)
        over = all(abs(end) >= END or (step > 0 and end >= length) for end, length in zip(ends, lengths, strict=True))
        stop = None if over else node.whole(ends)
        name = None if at == count - 1 else node.building.fresh("part")
        x = node.call("cut", x, axis=int(axis), start=start, stop=stop, step=int(step), to=name)


@reads("Split")
def split(node: Node) -> None:
    x, axis = node.value(0), int(node.attribute("axis", 0))
    given = node.attribute("split") if node.given(1) is None else node.constant(1, "sizes").tolist()
    length, count = x.shape[axis], len(node.outputs)
    if given is None:
        each = -(-length // count)
        given = [min(each, length - each * at) for at in range(count)]
    start = 0
    for name, size in zip(node.outputs, given, strict=True):
        if name:
            node.call("cut", x, axis=axis, start=start, stop=start + int(size), to=name)
        start += int(size)


@reads("Tile")
def tile(node: Node) -> None:
    x, (repeats, *others) = node.value(0), node.numbers(1, "repeats")
    if any(other != repeats for other in others):
        raise node.refused("repeats that depend on the batch")
    for axis, times in enumerate(repeats):
        check_size([*x.shape, times])
        if times != 1:
            x = node.call("concat", *[x] * times, axis=axis, to=node.building.fresh("tiled"))
    node.alias(x)
