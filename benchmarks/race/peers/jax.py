"""JAX: the whole step in one compiled function that gives its memory back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import log
from typing import Any

import jax
import jax.numpy as jnp


class Jit:
    def __init__(self, job: Any) -> None:
        workload, targets = job.workload, "float32" if job.t.dtype.kind == "f" else "int32"
        self.batches = [(jnp.asarray(x), jnp.asarray(t)) for x, t in zip(job.x, job.t.astype(targets), strict=True)]
        named = {name: jnp.asarray(value, jnp.float32) for name, value in job.weights().items()}
        names, self.weights = list(named), list(named.values())  # JAX would put the names of a dict in order
        count = {"sgd": 0, "momentum": 1}.get(workload["optimizer"], 2)
        self.state = [jax.tree.map(jnp.zeros_like, self.weights) for _ in range(count)]
        self.steps = jnp.zeros((), jnp.float32)
        network = partial(NETWORKS[workload["kind"]], workload)
        self.ratio = 0.0

        def loss(weights: Any, x: Any, t: Any, noise: Any) -> Any:
            y = network(dict(zip(names, weights, strict=True)), x, *noise)
            if t.dtype == jnp.float32:
                return jnp.mean((y - t) ** 2)
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(y), t[..., None], -1))

        @partial(jax.jit, donate_argnums=(0, 1, 2), static_argnums=5)
        def step(weights: Any, state: Any, steps: Any, x: Any, t: Any, ratio: float) -> Any:
            noise = (ratio, jax.random.key(steps.astype(int))) if workload["drop"] else ()
            value, grads = jax.value_and_grad(loss)(weights, x, t, noise)
            steps = steps + 1
            weights, state = updated(workload, weights, grads, state, steps)
            return weights, state, steps, value

        self.compiled = step

    def step(self, x: Any, t: Any) -> Any:
        self.weights, self.state, self.steps, loss = self.compiled(
            self.weights, self.state, self.steps, x, t, self.ratio
        )
        return loss

    def drop(self, ratio: float) -> None:
        self.ratio = ratio

    def wait(self) -> None:
        jax.block_until_ready(self.weights)


def updated(workload: dict[str, Any], weights: Any, grads: Any, state: Any, steps: Any) -> tuple[Any, Any]:
    """Return the weights and the optimizer's state after a step."""
    lr = workload["lr"]
    if workload["optimizer"] == "sgd":
        return jax.tree.map(lambda w, g: w - lr * g, weights, grads), state
    if workload["optimizer"] == "momentum":
        velocity = jax.tree.map(lambda v, g: 0.9 * v + g, state[0], grads)
        return jax.tree.map(lambda w, v: w - lr * v, weights, velocity), [velocity]
    keep = 1 - lr * 0.01 if workload["optimizer"] == "adamw" else 1.0
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state[0], grads)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, state[1], grads)
    root = jnp.sqrt(-jnp.expm1(steps * log(0.999)))  # 1 - 0.999ⁿ, whose digits float32 would cancel
    rate = lr * root / -jnp.expm1(steps * log(0.9))
    return jax.tree.map(lambda w, m, v: keep * w - rate * m / (jnp.sqrt(v) + 1e-8 * root), weights, m, v), [m, v]


def mlp(_: dict[str, Any], weights: dict[str, Any], x: Any) -> Any:
    return perceptron(list(weights.values()), x)


def perceptron(arrays: list[Any], x: Any) -> Any:
    for W, b in zip(arrays[:-2:2], arrays[1:-2:2], strict=True):
        x = jax.nn.relu(x @ W + b)
    return x @ arrays[-2] + arrays[-1]


def convnet(_: dict[str, Any], weights: dict[str, Any], x: Any) -> Any:
    W, b, *others = weights.values()
    h = jax.lax.conv_general_dilated(x, W, (1, 1), "VALID", dimension_numbers=("NCHW", "OIHW", "NCHW"))
    h = jax.nn.relu(h + b[:, None, None])
    h = jax.lax.reduce_window(h, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    return perceptron(others, h.reshape(h.shape[0], -1))


def transformer(workload: dict[str, Any], weights: dict[str, Any], tokens: Any) -> Any:
    heads = workload["heads"]
    x = weights["tokens"][tokens] + weights["positions"]
    for block in range(1, workload["layers"] + 1):
        w = {name.partition(".")[2]: value for name, value in weights.items() if name.startswith(f"{block}.")}
        x = x + mixed(layer_norm(x, w["gamma1"], w["beta1"]), w, heads)
        h = layer_norm(x, w["gamma2"], w["beta2"])
        x = x + jax.nn.gelu(h @ w["W1"] + w["b1"], approximate=True) @ w["W2"] + w["b2"]
    return layer_norm(x, weights["gamma"], weights["beta"]) @ weights["W"]


def layer_norm(x: Any, gamma: Any, beta: Any) -> Any:
    return jax.nn.standardize(x, epsilon=1e-5) * gamma + beta


def attention(workload: dict[str, Any], weights: dict[str, Any], x: Any) -> Any:
    return mixed(x, weights, workload["heads"])


def mixed(x: Any, w: dict[str, Any], heads: int) -> Any:
    N, L, D = x.shape
    seen = jnp.tril(jnp.ones((L, L), bool))
    joined = [jnp.concatenate([w[f"{letter}{part}"] for part in "qkv"], -1) for letter in "Wb"]
    q, k, v = jnp.moveaxis((x @ joined[0] + joined[1]).reshape(N, L, 3, heads, -1), (2, 3), (0, 2))
    scores = q @ k.swapaxes(-1, -2) * (D // heads) ** -0.5
    rows = jax.nn.softmax(jnp.where(seen, scores, -jnp.inf)) @ v
    return rows.swapaxes(1, 2).reshape(N, L, D) @ w["Wo"] + w["bo"]


def resnet(workload: dict[str, Any], w: dict[str, Any], x: Any) -> Any:
    x = jax.nn.relu(convolved(w, "first", x, 1))
    for stage in range(1, len(workload["sizes"])):
        stride = 1 if stage == 1 else 2
        h = jax.nn.relu(convolved(w, f"{stage}.1", x, stride))
        changes = f"{stage}.shortcut.W" in w
        shortcut = convolved(w, f"{stage}.shortcut", x, stride) if changes else x
        x = jax.nn.relu(convolved(w, f"{stage}.2", h, 1) + shortcut)
    return x.mean((2, 3)) @ w["W"] + w["b"]


def convolved(w: dict[str, Any], path: str, x: Any, stride: int) -> Any:
    W, b, gamma, beta = (w[f"{path}.{name}"] for name in ("W", "b", "gamma", "beta"))
    pad, strides = [(W.shape[2] // 2,) * 2] * 2, (stride, stride)
    h = jax.lax.conv_general_dilated(x, W, strides, pad, dimension_numbers=("NCHW", "OIHW", "NCHW"))
    h = jax.nn.standardize(h + b[:, None, None], axis=(0, 2, 3), epsilon=1e-5)
    return h * gamma[:, None, None] + beta[:, None, None]


def lstm(_: dict[str, Any], weights: dict[str, Any], tokens: Any) -> Any:
    symbols, Wx, Wh, b, W, bias = weights.values()
    zero = jnp.zeros((len(tokens), len(Wh)), jnp.float32)

    def one(state: Any, a: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(a + h @ Wh, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    _state, hs = jax.lax.scan(one, (zero, zero), (symbols[tokens] @ Wx + b).swapaxes(0, 1))
    return hs.swapaxes(0, 1) @ W + bias


def normalized(_: dict[str, Any], weights: dict[str, Any], x: Any, ratio: float, key: Any) -> Any:
    *hidden, W, b = weights.values()
    for start in range(0, len(hidden), 4):
        W_, b_, gamma, beta = hidden[start : start + 4]
        x = jax.nn.relu(jax.nn.standardize(x @ W_ + b_, axis=0, epsilon=1e-5) * gamma + beta)
        if ratio:
            kept = jax.random.bernoulli(jax.random.fold_in(key, start), 1 - ratio, x.shape)
            x = jnp.where(kept, x / (1 - ratio), 0.0)
    return x @ W + b


NETWORKS: dict[str, Callable[..., Any]] = {
    "mlp": mlp,
    "convnet": convnet,
    "transformer": transformer,
    "resnet": resnet,
    "lstm": lstm,
    "attention": attention,
    "normalized": normalized,
}
