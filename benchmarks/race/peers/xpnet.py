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

    def drop(self, ratio: float) -> None:
        for layer in self.network.layers.values():
            if isinstance(layer, layers.Dropout):
                layer.dropout_ratio = ratio

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
    return layers.TransformerBlock(
        [layers.LayerNormalization(w["gamma1"], w["beta1"]), mixed(w, heads)],
        [
            layers.LayerNormalization(w["gamma2"], w["beta2"]),
            layers.Linear(w["W1"], w["b1"]),
            layers.Gelu("tanh"),
            layers.Linear(w["W2"], w["b2"]),
        ],
    )


def mixed(weights: dict[str, Any], heads: int) -> layers.MultiHeadAttention:
    own = {name: weights[name] for name in layers.MultiHeadAttention.parameters}
    return layers.MultiHeadAttention(**own, heads=heads, causal=True)


def attention(weights: dict[str, Any], job: Any) -> networks.Sequential:
    return networks.Sequential(mixed(weights, job.workload["heads"]), loss=layers.MeanSquaredError())


def resnet(weights: dict[str, Any], job: Any) -> networks.Sequential:
    side, *channels = job.workload["sizes"]
    network = networks.ResNet((3, side, side), channels)
    for name, value in zip(network.params, weights.values(), strict=True):
        network.params[name] = value
    return network


def lstm(weights: dict[str, Any], _: Any) -> networks.Sequential:
    tokens, Wx, Wh, b, W, bias = weights.values()
    sequence = [layers.Embedding(tokens), layers.LSTM(Wx, Wh, b), layers.Linear(W, bias)]
    return networks.Sequential(*sequence, loss=layers.SoftmaxWithLoss())


def normalized(weights: dict[str, Any], _: Any) -> networks.Sequential:
    found: list[layers.Layer] = []
    *hidden, W, b = weights.values()
    for start in range(0, len(hidden), 4):
        affine, norm = hidden[start : start + 2], hidden[start + 2 : start + 4]
        found += [layers.Affine(*affine), batch_norm(norm), layers.Relu(), layers.Dropout(0.0)]
    return networks.Sequential(*found, layers.Affine(W, b), loss=layers.SoftmaxWithLoss())


def batch_norm(scale_and_shift: list[Any]) -> layers.Layer:
    made = layers.BatchNormalization.create(scale_and_shift[0].shape[0])
    made.gamma, made.beta = scale_and_shift
    return made


BUILD = {
    "mlp": mlp,
    "convnet": convnet,
    "transformer": transformer,
    "resnet": resnet,
    "lstm": lstm,
    "attention": attention,
    "normalized": normalized,
}
