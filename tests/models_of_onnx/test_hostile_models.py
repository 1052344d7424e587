"""Models of ONNX that were made to fill the memory or the time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import xpnet as xn
from xpnet.errors import XpnetError

node = helper.make_node


def model(nodes: Any, shape: Any = ("batch", 4), functions: Any = (), **constants: Any) -> bytes:
    given = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", shape), ("y", None)))
    graph = helper.make_graph(nodes, "g", [x], [y], given)
    sets = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=sets, functions=functions).SerializeToString()


def doubling(first: str) -> list[Any]:
    names = [first, *[f"k{i}" for i in range(45)]]
    return [node("Concat", [a, a], [b], axis=0) for a, b in pairwise(names)]


def functions() -> list[Any]:
    sets = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    calls = [("a", "t"), ("t", "b")]
    bodies = [[node(f"f{i + 1}", [x], [y], domain="own") for x, y in calls] for i in range(40)]
    return [helper.make_function("own", f"f{i}", ["a"], ["b"], body, sets) for i, body in enumerate(bodies)]


ADDED = node("Add", ["x", "k44"], ["y"])
BAD = {
    "open sizes": lambda: model([node("Relu", ["x"], ["y"])], [f"a{i}" for i in range(40)]),
    "large input": lambda: model([node("Relu", ["x"], ["y"])], [1, 10**6, 10**6]),
    "doubled constants": lambda: model([*doubling("c"), ADDED], c=np.ones(1000, "float32")),
    "outer product": lambda: model(
        [node("MatMul", ["c", "r"], ["k44"]), ADDED], c=np.ones((20000, 1), "float32"), r=np.ones((1, 20000), "float32")
    ),
    "random": lambda: model([node("RandomNormal", [], ["k44"], shape=[10**6, 10**6]), ADDED]),
    "border": lambda: model([node("Pad", ["x", "p"], ["y"])], [1, 1, 8, 8], p=np.array([0, 0, 20000, 20000] * 2)),
    "functions": lambda: model([node("f0", ["x"], ["y"], domain="own")], functions=functions()),
    "no blocks": lambda: model([node("DepthToSpace", ["x"], ["y"], blocksize=0, mode="CRD")], [1, 4, 8, 8]),
}


TOLD = {
    "open sizes": "at most 8 sizes of the inputs may be open, got 40",
    "large input": "at most 30,000,000 elements",
    "doubled constants": "the constants of the model must have at most 50,000,000",
    "outer product": r"at most 100,000,000 elements, got \(20000, 20000\)",
    "random": "got RandomNormal of k44",
    "border": r"at most 100,000,000 elements, got \(1, 1, 40008, 40008\)",
    "functions": "functions that are more than 1,000,000 nodes",
    "no blocks": "scale must be a positive integer, got 0",
}


@pytest.mark.parametrize("name", BAD)
def test_models_that_would_fill_memory_or_time_are_refused(name: str) -> None:
    with pytest.raises(XpnetError, match=TOLD[name]) as caught:
        xn.from_onnx(BAD[name]())
    assert "\n" not in str(caught.value)
