"""torch: its layers eagerly, with its fused optimizer, and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (as all of torch's users call it)


class Eager:
    fused = False

    def __init__(self, job: Any) -> None:
        torch.set_num_threads(job.threads)
        self.device = torch.device("cuda" if job.gpu else "cpu")
        x, t = (torch.from_numpy(values).to(self.device) for values in (job.x, job.t))
        self.batches = list(zip(x, t, strict=True))
        weights = {name: torch.from_numpy(value) for name, value in job.weights().items()}
        self.model = BUILD[job.workload["kind"]](weights, job.workload).to(self.device)
        self.optimizer = optimizer(job.workload, list(self.model.parameters()), self.fused)
        self.loss: Callable[[Any, Any], Any] = self.compiled(self._loss)
        if job.gpu:
            self.stopwatch, self.memory = stopwatch, torch.cuda.max_memory_reserved

    def _loss(self, x: Any, t: Any) -> Any:
        y = self.model(x)
        return F.mse_loss(y, t) if t.is_floating_point() else F.cross_entropy(y.flatten(0, -2), t.flatten())

    def drop(self, ratio: float) -> None:
        for module in self.model.modules():
            if isinstance(module, nn.Dropout):
                module.p = ratio

    def compiled(self, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return function

    def step(self, x: Any, t: Any) -> Any:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(x, t)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


class Fused(Eager):
    fused = True


class Compiled(Fused):
    """Forward and backward compiled; the fused optimizer is as fast as a compiled one."""

    def compiled(self, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        compiled: Callable[[Any, Any], Any] = torch.compile(
            function, mode="reduce-overhead" if self.device.type == "cuda" else "default"
        )
        return compiled


def stopwatch() -> Callable[[], float]:
    """Measure by events on the device."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()

    def stop() -> float:
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1e3

    return stop


def optimizer(workload: dict[str, Any], parameters: list[Any], fused: bool) -> torch.optim.Optimizer:
    lr, chosen = workload["lr"], {"fused": True} if fused else {}
    match workload["optimizer"]:
        case "sgd":
            return torch.optim.SGD(parameters, lr, **chosen)
        case "momentum":
            return torch.optim.SGD(parameters, lr, momentum=0.9, **chosen)
        case "adam":
            return torch.optim.Adam(parameters, lr, **chosen)
        case _:
            return torch.optim.AdamW(parameters, lr, weight_decay=0.01, **chosen)


def mlp(weights: dict[str, torch.Tensor], _: dict[str, Any]) -> nn.Module:
    return nn.Sequential(*perceptron(list(weights.values())))


def perceptron(arrays: list[torch.Tensor]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for W, b in zip(arrays[::2], arrays[1::2], strict=True):
        layers += [with_weights(nn.Linear(*W.shape), W.T.contiguous(), b), nn.ReLU()]
    return layers[:-1]


def with_weights(layer: Any, W: torch.Tensor, b: torch.Tensor) -> Any:
    layer.weight, layer.bias = nn.Parameter(W), nn.Parameter(b)
    return layer


def convnet(weights: dict[str, torch.Tensor], _: dict[str, Any]) -> nn.Module:
    W, b, *others = weights.values()
    convolution = with_weights(nn.Conv2d(W.shape[1], W.shape[0], W.shape[2]), W, b)
    return nn.Sequential(convolution, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), *perceptron(others))


class Transformer(nn.Module):
    def __init__(self, weights: dict[str, torch.Tensor], workload: dict[str, Any]) -> None:
        super().__init__()
        self.blocks, self.heads = workload["layers"], workload["heads"]
        for block in range(1, self.blocks + 1):
            join(weights, f"{block}.")
        self.weights = named(weights)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        w = self.weights
        x = w["tokens"][tokens] + w["positions"]
        for block in range(1, self.blocks + 1):
            x = self.block(x, {name: w[f"{block}_{name}"] for name in PARTS})
        return F.layer_norm(x, x.shape[-1:], w["gamma"], w["beta"]) @ w["W"]

    def block(self, x: torch.Tensor, w: dict[str, torch.Tensor]) -> torch.Tensor:
        x = x + attention(F.layer_norm(x, x.shape[-1:], w["gamma1"], w["beta1"]), w, self.heads)
        h = F.layer_norm(x, x.shape[-1:], w["gamma2"], w["beta2"])
        return x + F.gelu(h @ w["W1"] + w["b1"], approximate="tanh") @ w["W2"] + w["b2"]


class Attention(nn.Module):
    def __init__(self, weights: dict[str, torch.Tensor], workload: dict[str, Any]) -> None:
        super().__init__()
        join(weights, "")
        self.weights, self.heads = named(weights), workload["heads"]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return attention(x, self.weights, self.heads)


def attention(x: torch.Tensor, w: Any, heads: int) -> torch.Tensor:
    N, L, D = x.shape
    q, k, v = (x @ w["Wqkv"] + w["bqkv"]).view(N, L, 3, heads, -1).permute(2, 0, 3, 1, 4)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return mixed.transpose(1, 2).reshape(N, L, D) @ w["Wo"] + w["bo"]


def join(weights: dict[str, torch.Tensor], path: str) -> None:
    """Make the three projections of attention one product."""
    for letter in "Wb":
        parts = [weights.pop(f"{path}{letter}{part}") for part in "qkv"]
        weights[f"{path}{letter}qkv"] = torch.cat(parts, dim=-1)


def named(weights: dict[str, torch.Tensor]) -> nn.ParameterDict:
    return nn.ParameterDict({name.replace(".", "_"): nn.Parameter(w) for name, w in weights.items()})


PARTS = ("gamma1", "beta1", "Wqkv", "bqkv", "Wo", "bo", "gamma2", "beta2", "W1", "b1", "W2", "b2")


class ResNet(nn.Module):
    def __init__(self, weights: dict[str, torch.Tensor], workload: dict[str, Any]) -> None:
        super().__init__()
        w = {name.replace(".", "_"): value for name, value in weights.items()}
        stages = range(1, len(workload["sizes"]))
        self.first = convolved(w, "first", 1)
        self.bodies, self.shortcuts = nn.ModuleList(), nn.ModuleList()
        for stage in stages:
            stride = 1 if stage == 1 else 2
            two = convolved(w, f"{stage}_1", stride), nn.ReLU(), convolved(w, f"{stage}_2", 1)
            self.bodies.append(nn.Sequential(*two))
            changes = f"{stage}_shortcut_W" in w
            self.shortcuts.append(convolved(w, f"{stage}_shortcut", stride) if changes else nn.Identity())
        self.last = with_weights(nn.Linear(*w["W"].shape), w["W"].T.contiguous(), w["b"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.first(x))
        for body, shortcut in zip(self.bodies, self.shortcuts, strict=True):
            x = F.relu(body(x) + shortcut(x))
        return self.last(x.mean((2, 3)))


def convolved(w: dict[str, torch.Tensor], path: str, stride: int) -> nn.Module:
    W, b, gamma, beta = (w[f"{path}_{name}"] for name in ("W", "b", "gamma", "beta"))
    convolution = nn.Conv2d(W.shape[1], W.shape[0], W.shape[2], stride, W.shape[2] // 2)
    return nn.Sequential(with_weights(convolution, W, b), with_weights(nn.BatchNorm2d(len(b)), gamma, beta))


class LanguageModel(nn.Module):
    def __init__(self, weights: dict[str, torch.Tensor], _: dict[str, Any]) -> None:
        super().__init__()
        tokens, Wx, Wh, b, W1, b1 = weights.values()
        self.embedding = nn.Embedding.from_pretrained(tokens, freeze=False)
        self.lstm = nn.LSTM(len(Wx), len(Wh), batch_first=True)
        for name, value in (("ih", Wx), ("hh", Wh)):
            setattr(self.lstm, f"weight_{name}_l0", nn.Parameter(value.T.contiguous()))
        self.lstm.bias_ih_l0 = nn.Parameter(b)
        self.lstm.bias_hh_l0 = nn.Parameter(torch.zeros_like(b), requires_grad=False)  # the others have one bias
        self.last = with_weights(nn.Linear(*W1.shape), W1.T.contiguous(), b1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.last(self.lstm(self.embedding(tokens))[0])


def normalized(weights: dict[str, torch.Tensor], _: dict[str, Any]) -> nn.Module:
    layers: list[nn.Module] = []
    *hidden, W, b = weights.values()
    for start in range(0, len(hidden), 4):
        W_, b_, gamma, beta = hidden[start : start + 4]
        layers += [with_weights(nn.Linear(*W_.shape), W_.T.contiguous(), b_)]
        layers += [with_weights(nn.BatchNorm1d(len(b_)), gamma, beta), nn.ReLU(), nn.Dropout(0.0)]
    return nn.Sequential(*layers, *perceptron([W, b]))


BUILD: dict[str, Callable[[dict[str, torch.Tensor], dict[str, Any]], nn.Module]] = {
    "mlp": mlp,
    "convnet": convnet,
    "transformer": Transformer,
    "resnet": ResNet,
    "lstm": LanguageModel,
    "attention": Attention,
    "normalized": normalized,
}
