"""xpnet: explicit forward and backward of its layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpnet import capture, layers, networks, optimizers
from xpnet.backend import set_backend

OPTIMIZERS: dict[str, Callable[[float], Any]] = {
    "sgd": lambda lr: optimizers.SGD(lr),
    "momentum": lambda lr: optimizers.Momentum(lr, momentum=0.9),
    "adam": lambda lr: optimizers.Adam(lr),
    "adamw": lambda lr: optimizers.AdamW(lr, weight_decay=0.01),
}


class Explicit:
    def __init__(self, job: Any) -> None:
        self.backend = set_backend(job.backend, dtype=job.dtype)
        put = self.backend.asarray
        self.batches = [(put(x), put(t)) for x, t in zip(job.x, job.t, strict=True)]
        self.network = BUILD[job.workload["kind"]]({name: put(value) for name, value in job.weights().items()}, job)
        if job.gpu:
            self.stopwatch, self.memory = stopwatch, memory
        self.optimizer = OPTIMIZERS[job.workload["optimizer"]](job.workload["lr"])

    def step(self, x: Any, t: Any) -> Any:
        loss, grads = self.network.loss_and_gradient(x, t)
        self.optimizer.update(self.network.params, grads)
        return loss

    def wait(self) -> None:
        self.backend.synchronize()


class Captured(Explicit):
    """The same as one CUDA graph."""

    def __init__(self, job: Any) -> None:
        super().__init__(job)
        self.step = captured = capture(super().step)  # type: ignore[assignment, method-assign]
        if job.gpu:
            self.memory = lambda: (
                memory() + sum(graph.pool.total_bytes() for graph in captured.graphs.values() if graph)
            )


def stopwatch() -> Callable[[], float]:
    """Measure by events on the device."""
    import cupy

    start, end = cupy.cuda.Event(), cupy.cuda.Event()
    start.record()

    def stop() -> float:
        end.record()
        end.synchronize()
        return float(cupy.cuda.get_elapsed_time(start, end)) / 1e3

    return stop


def memory() -> int:
    import cupy

    return int(cupy.get_default_memory_pool().total_bytes())


def mlp(weights: dict[str, Any], _: Any) -> networks.Sequential:
    return networks.Sequential(*perceptron(list(weights.values())), loss=layers.SoftmaxWithLoss())


def perceptron(arrays: list[Any]) -> list[layers.Layer]:
    """Return Affine layers of W, b, W, b … with Relu between them."""
    found: list[layers.Layer] = []
    for W, b in zip(arrays[::2], arrays[1::2], strict=True):
        found += [layers.Affine(W, b), layers.Relu()]
    return found[:-1]


def convnet(weights: dict[str, Any], _: Any) -> networks.Sequential:
    W, b, *others = weights.values()
    image = [layers.Convolution(W, b), layers.Relu(), layers.Pooling(2, 2, stride=2)]
    return networks.Sequential(*image, *perceptron(others), loss=layers.SoftmaxWithLoss())


def transformer(weights: dict[str, Any], job: Any) -> networks.Sequential:
    return networks.Sequential(
        layers.Embedding(weights["tokens"]),
        layers.PositionalEmbedding(weights["positions"]),
        *(block(weights, f"{number}.", job.workload["heads"]) for number in range(1, job.workload["layers"] + 1)),
        layers.LayerNormalization(weights["gamma"], weights["beta"]),
        layers.MatMul(weights["W"]),
        loss=layers.SoftmaxWithLoss(),
    )


def block(weights: dict[str, Any], path: str, heads: int) -> layers.TransformerBlock:
    w = {name.removeprefix(path): array for name, array in weights.items()}
    own = {name: w[name] for name in layers.MultiHeadAttention.parameters}
    attention = layers.MultiHeadAttention(**own, heads=heads, causal=True)
    return layers.TransformerBlock(
        [layers.LayerNormalization(w["gamma1"], w["beta1"]), attention],
        [
            layers.LayerNormalization(w["gamma2"], w["beta2"]),
            layers.Linear(w["W1"], w["b1"]),
            layers.Gelu("tanh"),
            layers.Linear(w["W2"], w["b2"]),
        ],
    )


BUILD = {"mlp": mlp, "convnet": convnet, "transformer": transformer}
