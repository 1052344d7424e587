"""Nodes that depend on nothing but constants and sizes: they are computed while a model is read."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from xpnet.errors import DataError
from xpnet.interop.onnx.building import Building, Value, check_size
from xpnet.interop.onnx.reading import REMEDY, WHO, Host, no_counterpart

ELEMENTWISE = {
    *("Abs", "Add", "And", "Cast", "Ceil", "Clip", "Cos", "Div", "Equal", "Erf", "Exp"),
    *("Floor", "Greater", "GreaterOrEqual", "Identity", "IsInf", "IsNaN", "Less", "LessOrEqual", "Log", "Max", "Min"),
    *("Mod", "Mul", "Neg", "Not", "Or", "Pow", "Reciprocal", "Relu", "Round", "Sigmoid", "Sign", "Sin", "Softmax"),
    *("Sqrt", "Sub", "Sum", "Tan", "Tanh", "Where", "Xor"),
}
"""Operators whose result has the shape of their inputs, broadcast."""

NOT_LARGER = {
    *("ArgMax", "ArgMin", "CastLike", "Compress", "Concat", "Constant", "CumSum", "DequantizeLinear", "EyeLike"),
    *("Flatten", "NonZero", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Reshape"),
    *("ScatterND", "Shape", "Size", "Slice", "Split", "Squeeze", "TopK", "Transpose", "Trilu", "Unsqueeze"),
}
"""Operators whose results are together not larger than their inputs, but for a factor of the number of axes."""

GROWING = {"ConstantOfShape", "Expand", "Gather", "MatMul", "OneHot", "Pad", "Range", "Tile"}
"""Operators that make a large array of a few numbers."""

FOLDED = ELEMENTWISE | NOT_LARGER | GROWING
"""The operators that are computed; no other is run by the reference of ONNX."""

ALLOWED, FACTOR = 50_000_000, 64
"""The elements of all constants that are computed, and how many more there may be for each element of the file."""

NAMED = ("Identity", "Cast", "Transpose", "Reshape", "Squeeze", "Unsqueeze")
"""Operators whose result is the array that they take, in another form: it keeps its name."""


def fold(building: Building, proto: Any, given: Sequence[Value]) -> None:
    """Compute a node that depends on nothing but constants and sizes, by the reference of ONNX.

    Raises: ``DataError`` for a node that cannot be computed, or whose result would be too large.
    """
    from onnx.reference import ReferenceEvaluator

    if proto.op_type == "Constant" and any(attribute.name == "sparse_value" for attribute in proto.attribute):
        raise no_counterpart(proto.op_type, proto.name or proto.output[0], "a sparse array")
    told = tuple(attribute.SerializeToString() for attribute in proto.attribute)
    key = (proto.op_type, told, *[id(building.values[name]) if name else 0 for name in proto.input])
    if key not in building.folded:
        results: list[list[Host]] = []
        try:
            evaluator = ReferenceEvaluator(proto, opsets={"": building.opset})
            for run in range(len(building.sizes)):
                feeds = {value: building.values[value].arrays[run] for value in proto.input if value}
                check_size(shape := growth(proto, list(feeds.values())))
                building.of_constants += prod(map(int, shape))
                if building.of_constants > ALLOWED + FACTOR * building.given:
                    must = f"the constants of the model must have at most {ALLOWED:,} elements"
                    raise DataError(WHO, must, "more", REMEDY)
                results.append([np.asarray(array) for array in evaluator.run(None, feeds)])
        except DataError:
            raise
        except Exception as error:  # whatever a wrong node makes the reference raise
            must = f"{proto.op_type} of {proto.name or proto.output[0]} must be computable"
            raise DataError(WHO, must, str(error).partition("\n")[0] or type(error).__name__, REMEDY) from error
        alone = proto.op_type in NAMED and bool(given) and given[0].given
        columns = zip(proto.output, *results, strict=False)
        building.folded[key] = [Value(given[0].name if alone else name, own, True, alone) for name, *own in columns]
    building.values |= dict(zip(proto.output, building.folded[key], strict=False))


def growth(proto: Any, arrays: Sequence[Host]) -> Sequence[int]:
    """Return a shape that is as large as the results of a node, or larger."""
    op = proto.op_type
    if op in ELEMENTWISE:
        return np.broadcast_shapes(*[array.shape for array in arrays])
    if op == "Range":
        first, last, step = (float(array) for array in arrays)
        return [int(max((last - first) / (step or 1.0), 0.0))]
    if op in ("Tile", "Pad"):
        numbers = np.ravel(arrays[1]).tolist() if len(arrays) > 1 else list(proto.attribute[-1].ints)
        if op == "Tile":
            return [arrays[0].size, *numbers]
        return [length + sum(map(abs, numbers)) for length in arrays[0].shape]
    if op in ("ConstantOfShape", "Expand"):
        return [abs(int(size)) or 1 for size in np.ravel(arrays[-1])]
    if op == "OneHot":
        return [arrays[0].size, int(np.ravel(arrays[1])[0])]
    if op == "Gather":
        axis = next((attribute.i for attribute in proto.attribute if attribute.name == "axis"), 0)
        return [arrays[1].size, arrays[0].size // max(arrays[0].shape[axis], 1)]
    if op == "MatMul":
        a, b = (array if array.ndim > 1 else array[None, :, None] for array in arrays)
        return [*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]]
    return [sum(array.size for array in arrays)]
