"""Weights of torch, kept as safetensors, give torch's outputs in networks of xpnet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from named_numbers import normal

import xpnet as xn
from xpnet.errors import ArgumentError, DataError
from xpnet.layers import (
    GRU,
    LSTM,
    RNN,
    Affine,
    BatchNormalization,
    Convolution,
    Flatten,
    GlobalAveragePooling,
    GroupNormalization,
    Layer,
    Linear,
    MaxPooling,
    MultiHeadAttention,
    Relu,
    Residual,
    RMSNormalization,
    TransposedConvolution,
)
from xpnet.networks import Sequential, TransformerLM

torch = pytest.importorskip("torch")
nn = torch.nn
save_file = pytest.importorskip("safetensors.torch").save_file


@pytest.fixture(autouse=True)
def on_numpy():
    torch.manual_seed(0)
    with xn.use_backend("numpy", dtype="float64"):
        yield


def saved(path: Path, module) -> Path:
    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, path)
    return path


class Block(nn.Module):
    """ResNet's basic block."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """With torchvision's names and shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for number, (before, after) in enumerate(((64, 64), (64, 128), (128, 256), (256, 512)), 1):
            blocks = Block(before, after, 1 if number == 1 else 2), Block(after, after, 1)
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(512, 1000)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        return self.fc(x.mean(dim=(2, 3)))


def conv(before: int, after: int, size: int, stride: int) -> Layer:
    return Convolution(np.zeros((after, before, size, size)), np.zeros(after), stride, size // 2)


def block(before: int, after: int, stride: int) -> Sequential:
    body = {
        "conv1": conv(before, after, 3, stride),
        "bn1": BatchNormalization.create(after),
        "relu": Relu(),
        "conv2": conv(after, after, 3, 1),
        "bn2": BatchNormalization.create(after),
    }
    around = None
    if stride != 1 or before != after:
        around = Sequential({"0": conv(before, after, 1, stride), "1": BatchNormalization.create(after)})
    return Sequential({"body": Residual(body, shortcut=around), "relu": Relu()})


def resnet18() -> Sequential:
    layers: dict[str, Layer] = {
        "conv1": conv(3, 64, 7, 2),
        "bn1": BatchNormalization.create(64),
        "relu": Relu(),
        "maxpool": MaxPooling(3, 3, 2, 1),
    }
    for number, (before, after) in enumerate(((64, 64), (64, 128), (128, 256), (256, 512)), 1):
        layers[f"layer{number}"] = Sequential(
            {"0": block(before, after, 1 if number == 1 else 2), "1": block(after, after, 1)}
        )
    fc = Affine(np.zeros((512, 1000)), np.zeros(1000))
    return Sequential({**layers, "pool": GlobalAveragePooling(), "fc": fc})


NAMES = {
    "layer*.0.downsample": "layer*.0.body.shortcut",
    "layer*.0": "layer*.0.body",
    "layer*.1": "layer*.1.body",
}


def test_resnet_18(tmp_path: Path) -> None:
    theirs = ResNet18().double()
    with torch.no_grad():
        theirs(torch.tensor(normal("batch", 4, 3, 32, 32)))  # the running statistics move
    ours = resnet18()
    found = xn.load_torch(saved(tmp_path / "resnet18.safetensors", theirs), ours, names=NAMES)
    assert (found.missing, found.unexpected, found.differing) == ([], [], {})
    x = normal("images", 2, 3, 64, 64)
    with torch.no_grad():
        expected = theirs.eval()(torch.tensor(x)).numpy()
    np.testing.assert_allclose(ours.predict(x), expected, rtol=1e-9, atol=1e-9)


class Attention(nn.Module):
    """GPT-2's."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.c_attn, self.c_proj, self.heads = nn.Linear(width, 3 * width), nn.Linear(width, width), heads

    def forward(self, x):
        N, L, D = x.shape
        q, k, v = (
            part.reshape(N, L, self.heads, D // self.heads).transpose(1, 2) for part in self.c_attn(x).chunk(3, dim=2)
        )
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).reshape(N, L, D))


class GPT2(nn.Module):
    """Small, with the names of Hugging Face's."""

    def __init__(self, vocabulary: int, context: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.h = nn.ModuleList(
            nn.ModuleDict(
                {
                    "ln_1": nn.LayerNorm(width),
                    "attn": Attention(width, heads),
                    "ln_2": nn.LayerNorm(width),
                    "mlp": nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)}),
                }
            )
            for _ in range(layers)
        )
        self.ln_f = nn.LayerNorm(width)

    def forward(self, x):
        y = self.wte(x) + self.wpe(torch.arange(x.shape[1]))
        for part in self.h:
            y = y + part["attn"](part["ln_1"](y))
            inner = nn.functional.gelu(part["mlp"]["c_fc"](part["ln_2"](y)), approximate="tanh")
            y = y + part["mlp"]["c_proj"](inner)
        return self.ln_f(y) @ self.wte.weight.T


def gpt2_names(layers: int) -> dict[str, str]:
    names = {"wte": "Embedding1", "wpe": "PositionalEmbedding1", "ln_f": "LayerNormalization1"}
    for i in range(layers):
        names |= {
            f"h.{i}.ln_1": f"Block{i + 1}.LayerNormalization1",
            f"h.{i}.attn": f"Block{i + 1}.Attention1",
            f"h.{i}.ln_2": f"Block{i + 1}.LayerNormalization2",
            f"h.{i}.mlp.c_fc": f"Block{i + 1}.Linear1",
            f"h.{i}.mlp.c_proj": f"Block{i + 1}.Linear2",
        }
    return names


@pytest.mark.parametrize("straight", [False, True])
def test_a_small_gpt_2(straight: bool, tmp_path: Path) -> None:
    """As torch keeps its matrices, and as Hugging Face's ``Conv1D`` does."""
    theirs = GPT2(11, 8, 12, 3, 2).double()
    state = {name: value.contiguous() for name, value in theirs.state_dict().items()}
    if straight:
        state |= {
            name: value.T.contiguous()
            for name, value in state.items()
            if value.ndim == 2 and name.split(".")[-2].startswith("c_")
        }
    save_file(state, tmp_path / "gpt2.safetensors")
    ours = TransformerLM(11, 8, 12, 3, 2, tied=True)
    found = xn.load_torch(tmp_path / "gpt2.safetensors", ours, names=gpt2_names(2))
    assert len(found.loaded) == len(ours.params)
    x = np.asarray([[0, 3, 10, 2, 7], [1, 1, 4, 9, 5]])
    with torch.no_grad():
        expected = theirs(torch.tensor(x)).numpy()
    np.testing.assert_allclose(ours.predict(x), expected, rtol=1e-9, atol=1e-9)


def zeros(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    return [np.zeros(shape) for shape in shapes]


PAIRS = {
    "LSTM": lambda: (nn.LSTM(3, 4, batch_first=True), LSTM.create(3, 4), normal("s", 2, 5, 3)),
    "RNN": lambda: (nn.RNN(3, 4, batch_first=True, bias=False), RNN.create(3, 4), normal("s", 2, 5, 3)),
    "GRU": lambda: (nn.GRU(3, 4, batch_first=True), GRU.create(3, 4), normal("s", 2, 5, 3)),
    "LSTM of layers": lambda: (
        nn.LSTM(3, 4, 3, batch_first=True),
        LSTM.stacked(3, 4, 3, dropout_ratio=0.5),
        normal("s", 2, 5, 3),
    ),
    "GRU of layers in both directions": lambda: (
        nn.GRU(3, 4, 2, bias=False, batch_first=True, bidirectional=True),
        GRU.stacked(3, 4, 2, bidirectional=True),
        normal("s", 2, 5, 3),
    ),
    "attention": lambda: (
        nn.MultiheadAttention(6, 2, batch_first=True),
        MultiHeadAttention.create(6, 2),
        normal("s", 2, 5, 6),
    ),
    "group norm": lambda: (
        nn.GroupNorm(2, 4),
        GroupNormalization(*zeros((4,), (4,)), groups=2),
        normal("i", 2, 4, 3, 3),
    ),
    "rms norm": lambda: (nn.RMSNorm(4, eps=1e-5), RMSNormalization.create(4), normal("s", 2, 4)),
    "transposed": lambda: (
        nn.ConvTranspose2d(2, 3, 3, 2),
        TransposedConvolution.create(2, 3, 3, 2),
        normal("i", 2, 2, 4, 4),
    ),
    "linear without bias": lambda: (nn.Linear(3, 3, bias=False), Linear.create(3, 3), normal("s", 2, 3)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_every_layer_that_torch_has(name: str, tmp_path: Path) -> None:
    module, layer, x = PAIRS[name]()
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    module = module.double()
    path = saved(tmp_path / "w", nn.ModuleDict({"one": module}))
    xn.load_torch(path, Sequential({"one": layer}))
    given = torch.tensor(x)
    with torch.no_grad():
        found = module(given, given, given, need_weights=False) if name == "attention" else module(given)
    expected = found[0] if isinstance(found, tuple) else found
    np.testing.assert_allclose(layer.predict(x), expected.numpy(), rtol=1e-9, atol=1e-9)


def test_what_does_not_fit_is_refused_or_left(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3)).double()
    path = saved(tmp_path / "w", module)
    net = Sequential({"0": Convolution.create(1, 2, 3), "1": Flatten(), "2": Affine.create(8, 5)})
    before = {name: array.copy() for name, array in net.params.items()}
    text = r"must hold the weights of the network, got 2.W \(8, 3\) for \(8, 5\), 2.b \(3,\) for \(5,\); map the names"
    with pytest.raises(DataError, match=text):
        xn.load_torch(path, net)
    for name, array in before.items():
        np.testing.assert_array_equal(net.params[name], array)
    found = xn.load_torch(path, net, strict=False)
    assert found.loaded == ["0.W", "0.b"]
    assert found.differing == {"2.W": ((8, 3), (8, 5)), "2.b": ((3,), (5,))}
    with pytest.raises(DataError, match=r"got nothing for Convolution1.W, .*0.weight that no layer takes"):
        xn.load_torch(path, Sequential(Convolution.create(1, 2, 3), Flatten(), Affine.create(8, 3)))
    with pytest.raises(
        ArgumentError, match=r"^load_torch: a name to be changed must be one in the file, .* got 'conv'"
    ):
        xn.load_torch(path, net, names={"conv": "Convolution1"})
    with pytest.raises(DataError, match=r"the tensors of 0 must be those of LSTM, got bias, weight"):
        xn.load_torch(path, Sequential({"0": LSTM.create(3, 4)}))
    torch.save(module.state_dict(), tmp_path / "pickle.pt")
    with pytest.raises(DataError, match=r"^load_torch: .* got a pickle or an archive, which is never run"):
        xn.load_torch(tmp_path / "pickle.pt", net)
