"""Graph: a network written as calls of layers and functions."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError
from xpnet.layers import Affine, SoftmaxWithLoss
from xpnet.networks import Graph
from xpnet.networks.graph import Fixed, Given, targets_of, whole
from xpnet.networks.graph_functions import FUNCTIONS

X = np.asarray([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
W, B, G = np.asarray([[1.0, 2.0], [-1.0, 0.5]]), np.asarray([0.5, -0.5]), np.asarray([2.0, 3.0])
T = np.asarray([0, 1, 1])


def network(asarray) -> Graph:
    """Two rows of values beside each other: ``y = g (x W + b + x)`` where a fixed mask allows it, else 1."""
    layers = {
        "map": Affine(asarray(W), asarray(B)),
        "scale": Given(asarray(G)),
        "mask": Fixed(asarray(np.asarray([True, False]))),
    }
    calls = [
        {"layer": "map", "of": ["x"], "to": "h"},
        {"layer": "scale", "of": [], "to": "g"},
        {"layer": "mask", "of": [], "to": "m"},
        {"function": "add", "of": ["h", "x"], "to": "sum"},
        {"function": "multiply", "of": ["sum", "g"], "to": "scaled"},
        {"function": "where", "of": ["m", "scaled", 1.0], "to": "chosen"},
        {"function": "reshape", "of": ["chosen"], "to": "flat", "options": {"shape": [{"sizes": [[2, ["N"]]]}]}},
        {"function": "reshape", "of": ["flat"], "to": "y", "options": {"shape": [-1, 2]}},
    ]
    return Graph(layers, calls, sizes={"N": ("x", 0)}, loss=SoftmaxWithLoss())


def close(found, wanted, tolerance):
    np.testing.assert_allclose(to_numpy(found), wanted, rtol=tolerance, atol=tolerance)


def expected(x):
    return np.where([True, False], G * (x @ W + B + x), 1.0)


def test_it_computes_its_calls_for_any_number_of_rows(asarray, tolerance):
    net = network(asarray)
    close(net.predict(asarray(X)), expected(X), tolerance)
    close(net.predict(asarray(X[:1])), expected(X[:1]), tolerance)


def test_its_gradients_are_those_of_its_loss(backend):
    net = network(backend.asarray)
    report = xn.gradient_check(net, backend.asarray(X), backend.asarray(T))
    assert report.ok
    assert set(net.gradient(backend.asarray(X), backend.asarray(T))) == {"map.W", "map.b", "scale.W"}


def test_files_and_pickles_hold_its_calls_and_arrays(tmp_path):
    net = network(np.asarray)
    xn.save(tmp_path / "net.safetensors", net)
    with xn.use_backend("numpy", dtype="float64"):
        read = xn.load_network(tmp_path / "net.safetensors")
    for other in (read, pickle.loads(pickle.dumps(net)), net.astype("float64")):
        assert other.inputs == ("x",)
        assert np.array_equal(to_numpy(other.predict(X)), net.predict(X))


def test_it_takes_several_inputs_by_their_names():
    calls = [{"function": "matmul", "of": ["a", "h"], "to": "y"}, {"function": "exp", "of": ["y"], "to": "y"}]
    calls.insert(0, {"layer": "map", "of": ["b"], "to": "h"})
    net = Graph({"map": Affine(W, B)}, calls, names=("a", "b"))
    assert np.allclose(net.predict((X[:2], X[:2])), np.exp(X[:2] @ (X[:2] @ W + B)))


@pytest.mark.parametrize(
    ("call", "got"),
    [
        ({"function": "eval", "of": ["x"], "to": "y"}, "'eval'"),
        ({"layer": "other", "of": ["x"], "to": "y"}, "'other'"),
        ({"function": "exp", "of": ["later"], "to": "y"}, "'later'"),
        ({"function": "exp", "of": ["x"], "to": "z"}, "'y'"),
    ],
)
def test_what_is_not_there_is_named(call, got):
    with pytest.raises(ArgumentError, match=got):
        Graph({"map": Affine(W, B)}, [call])


def test_every_function_agrees_with_numpy(asarray, tolerance):
    x, i = np.asarray([[0.5, 1.0, 2.0], [0.25, 3.0, 1.5]]), np.asarray([[2, 0]])
    rows = {
        "expand_dims": ({"axes": [0, 2]}, x[None, :, None, :]),
        "permute_dims": ({"axes": [1, 0]}, x.T),
        "broadcast_to": ({"shape": [2, 1, 3]}, np.broadcast_to(x, (2, 2, 3))),
        "cut": ({"axis": 1, "start": 2, "stop": None, "step": -1}, x[:, 2::-1]),
        "index": ({"axis": -1, "at": -2}, x[:, -2]),
        "softmax": ({"axis": 0}, np.exp(x) / np.exp(x).sum(axis=0)),
        "clip": ({"low": 0.5, "high": 1.5}, x.clip(0.5, 1.5)),
        "sum": ({"axis": [0], "keepdims": False}, x.sum(axis=0)),
        "max": ({"keepdims": True}, x.max(keepdims=True)),
        "reciprocal": ({}, 1.0 / x),
        "sqrt": ({}, np.sqrt(x)),
    }
    for name, (options, y) in rows.items():
        close(FUNCTIONS[name](asarray(x), **options), y, tolerance)
    close(FUNCTIONS["take"](asarray(x), asarray(i), axis=1), x[:, i], tolerance)
    close(FUNCTIONS["concat"](asarray(x), asarray(x), axis=1), np.concatenate([x, x], axis=1), tolerance)
    close(FUNCTIONS["pow"](asarray(x), 2.0), x**2, tolerance)


def test_sizes_and_targets_are_written_out():
    assert whole([3, {"sizes": [[2, ["N", "L"]], [1, []]]}], {"N": 4, "L": 5}) == [3, 41]
    assert targets_of({"to": ["a", "b"]}) == ["a", "b"]
