"""HIPS autograd: NumPy code as anyone would write it, and the optimizers likewise."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import autograd.numpy as np
import numpy
from autograd import value_and_grad
from numpy.lib.stride_tricks import sliding_window_view


class Traced:
    def __init__(self, job: Any) -> None:
        self.workload = job.workload
        self.batches = list(zip(job.x, job.t, strict=True))
        self.weights = job.weights()
        self.moments = [{name: np.zeros_like(value) for name, value in self.weights.items()} for _ in range(2)]
        self.steps = 0
        network = partial(NETWORKS[job.workload["kind"]], job.workload)
        self.noise = {"ratio": 0.0} if job.workload["drop"] else {}

        def loss(weights: Any, x: Any, t: Any) -> Any:
            scores = network(weights, x, **self.noise)
            if t.dtype.kind == "f":
                return np.mean((scores - t) ** 2)
            scores = scores.reshape((-1, scores.shape[-1]))
            scores = scores - np.max(scores, axis=1, keepdims=True)
            total = np.log(np.sum(np.exp(scores), axis=1))
            return np.mean(total - scores[np.arange(t.size), t.reshape(-1)])

        self.value_and_grad = value_and_grad(loss)

    def step(self, x: Any, t: Any) -> Any:
        loss, grads = self.value_and_grad(self.weights, x, t)
        self.steps += 1
        for name in self.weights:
            self.update(name, grads[name])
        return loss

    def update(self, name: str, g: Any) -> None:
        lr, kind = self.workload["lr"], self.workload["optimizer"]
        first, second = self.moments
        if kind == "sgd":
            self.weights[name] -= lr * g
            return
        if kind == "momentum":
            first[name] = 0.9 * first[name] + g
            self.weights[name] -= lr * first[name]
            return
        if kind == "adamw":
            self.weights[name] *= 1 - lr * 0.01
        first[name] = 0.9 * first[name] + 0.1 * g
        second[name] = 0.999 * second[name] + 0.001 * g * g
        root = (1 - 0.999**self.steps) ** 0.5
        rate = lr * root / (1 - 0.9**self.steps)
        self.weights[name] -= rate * first[name] / (np.sqrt(second[name]) + 1e-8 * root)

    def drop(self, ratio: float) -> None:
        self.noise = {"ratio": ratio}

    def wait(self) -> None:
        pass


def mlp(_: dict[str, Any], weights: dict[str, Any], x: Any) -> Any:
    return perceptron(list(weights.values()), x)


def perceptron(arrays: list[Any], x: Any) -> Any:
    for W, b in zip(arrays[:-2:2], arrays[1:-2:2], strict=True):
        x = relu(np.dot(x, W) + b)
    return np.dot(x, arrays[-2]) + arrays[-1]


def convnet(_: dict[str, Any], weights: dict[str, Any], x: Any) -> Any:
    W, b, *others = weights.values()
    filters, _, height, width = W.shape
    patches = sliding_window_view(x[:, 0], (height, width), axis=(1, 2))
    N, rows, columns = patches.shape[:3]
    z = np.dot(patches.reshape(-1, height * width), W.reshape((filters, -1)).T) + b
    z = relu(z).reshape((N, rows // 2, 2, columns // 2, 2, filters))
    pooled = np.max(np.max(z, axis=4), axis=2)
    return perceptron(others, np.transpose(pooled, (0, 3, 1, 2)).reshape((N, -1)))


def transformer(workload: dict[str, Any], weights: dict[str, Any], tokens: Any) -> Any:
    x = weights["tokens"][tokens] + weights["positions"]
    for block in range(1, workload["layers"] + 1):
        w = {name: weights[f"{block}.{name}"] for name in PARTS}
        x = x + mixed(layer_norm(x, w["gamma1"], w["beta1"]), w, workload["heads"])
        h = layer_norm(x, w["gamma2"], w["beta2"])
        x = x + np.dot(gelu(np.dot(h, w["W1"]) + w["b1"]), w["W2"]) + w["b2"]
    return np.dot(layer_norm(x, weights["gamma"], weights["beta"]), weights["W"])


def attention(workload: dict[str, Any], weights: dict[str, Any], x: Any) -> Any:
    return mixed(x, weights, workload["heads"])


def mixed(x: Any, w: dict[str, Any], heads: int) -> Any:
    N, L, D = x.shape
    unseen = np.triu(np.full((L, L), -1e9, dtype=np.float32), 1)
    q, k, v = (split(np.dot(x, w[f"W{part}"]) + w[f"b{part}"], heads) for part in "qkv")
    scores = np.matmul(q, np.swapaxes(k, -1, -2)) * (D // heads) ** -0.5 + unseen
    shares = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    rows = np.matmul(shares / np.sum(shares, axis=-1, keepdims=True), v)
    return np.dot(np.swapaxes(rows, 1, 2).reshape((N, L, D)), w["Wo"]) + w["bo"]


def lstm(_: dict[str, Any], weights: dict[str, Any], tokens: Any) -> Any:
    symbols, Wx, Wh, b, W, bias = weights.values()
    a = np.dot(symbols[tokens], Wx) + b
    h = c = np.zeros((len(tokens), len(Wh)), np.float32)
    hs = []
    for t in range(tokens.shape[1]):
        i, f, g, o = np.split(a[:, t] + np.dot(h, Wh), 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        hs.append(h)
    return np.dot(np.stack(hs, axis=1), W) + bias


def normalized(_: dict[str, Any], weights: dict[str, Any], x: Any, ratio: float) -> Any:
    *hidden, W, b = weights.values()
    for start in range(0, len(hidden), 4):
        W_, b_, gamma, beta = hidden[start : start + 4]
        centred = np.dot(x, W_) + b_
        centred = centred - np.mean(centred, axis=0)
        x = relu(centred / np.sqrt(np.mean(centred * centred, axis=0) + 1e-5) * gamma + beta)
        if ratio:
            x = x * ((RANDOM.random(x.shape, np.float32) >= ratio) / np.float32(1 - ratio))
    return np.dot(x, W) + b


def sigmoid(x: Any) -> Any:
    return 0.5 * np.tanh(0.5 * x) + 0.5


def relu(x: Any) -> Any:
    return x * (x > 0.0)  # where x is 0, autograd's maximum has a slope of one half


def split(x: Any, heads: int) -> Any:
    N, L, D = x.shape
    return np.swapaxes(x.reshape((N, L, heads, D // heads)), 1, 2)


def layer_norm(x: Any, gamma: Any, beta: Any) -> Any:
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return centred / np.sqrt(np.mean(centred * centred, axis=-1, keepdims=True) + 1e-5) * gamma + beta


def gelu(x: Any) -> Any:
    return 0.5 * x * (1.0 + np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


RANDOM = numpy.random.default_rng(0)
PARTS = ("gamma1", "beta1", *(f"{kind}{part}" for part in "qkvo12" for kind in "Wb"), "gamma2", "beta2")
NETWORKS: dict[str, Callable[..., Any]] = {
    "mlp": mlp,
    "convnet": convnet,
    "transformer": transformer,
    "lstm": lstm,
    "attention": attention,
    "normalized": normalized,
}
