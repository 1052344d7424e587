"""Weights of torch, kept as safetensors, give torch's outputs in networks of xpnet."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from named_numbers import normal

import xpnet as xn
from xpnet import networks
from xpnet.errors import ArgumentError, DataError
from xpnet.layers import (
    GRU,
    LSTM,
    RNN,
    Affine,
    Convolution,
    Flatten,
    GroupNormalization,
    Linear,
    MultiHeadAttention,
    RMSNormalization,
    TransposedConvolution,
)
from xpnet.networks import VGG, ResNet18, ResNet50, Sequential, TransformerLM

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
    """A block of ResNet: two convolutions, or three in a bottleneck."""

    def __init__(self, before: int, width: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        after = 4 * width if bottleneck else width
        sizes = [(before, width, 3, stride), (width, width, 3, 1)]
        if bottleneck:
            sizes = [(before, width, 1, 1), (width, width, 3, stride), (width, after, 1, 1)]
        self.count = len(sizes)
        for number, (inputs, outputs, size, step) in enumerate(sizes, 1):
            setattr(self, f"conv{number}", nn.Conv2d(inputs, outputs, size, step, size // 2, bias=False))
            setattr(self, f"bn{number}", nn.BatchNorm2d(outputs))
        self.downsample = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        y = x
        for number in range(1, self.count + 1):
            y = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(y))
            y = torch.relu(y) if number < self.count else y
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class TorchResNet(nn.Module):
    """With torchvision's names and shapes, at a width of 4."""

    def __init__(self, blocks: tuple[int, ...], bottleneck: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        before = 4
        for stage, count in enumerate(blocks):
            inside = []
            for number in range(count):
                inside.append(Block(before, 4 * 2**stage, 2 if stage and not number else 1, bottleneck))
                before = 4 * 2**stage * (4 if bottleneck else 1)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*inside))
        self.fc = nn.Linear(before, 10)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        return self.fc(x.mean(dim=(2, 3)))


def check_as_torch(ours, theirs, names, path: Path) -> None:
    """Scores in inference, and in training the gradients of the first and the last layer, are torch's."""
    x, t = normal("images", 2, 3, 64, 64), np.asarray([3, 1])
    with torch.no_grad():
        theirs(torch.tensor(2.0 * x))  # the running statistics move
    found = xn.load_torch(saved(path, theirs), ours, names=names)
    assert (found.missing, found.unexpected, found.differing) == ([], [], {})
    with torch.no_grad():
        expected = theirs.eval()(torch.tensor(x)).numpy()
    np.testing.assert_allclose(ours.predict(x), expected, rtol=1e-9, atol=1e-9)
    nn.functional.cross_entropy(theirs.train()(torch.tensor(x)), torch.tensor(t)).backward()
    gradients = ours.gradient(x, t)
    first, *_, last, _ = theirs.parameters()
    own = list(gradients.values())
    np.testing.assert_allclose(own[0], first.grad.numpy(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(own[-2], last.grad.numpy().T, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("kind", "bottleneck"), [(ResNet18, False), (ResNet50, True)])
def test_residual_networks_are_torchvision_s(kind, bottleneck, tmp_path: Path) -> None:
    theirs = TorchResNet(kind.blocks, bottleneck).double()
    check_as_torch(kind(10, width=4), theirs, {"*.downsample": "*.shortcut"}, tmp_path / "resnet.safetensors")


def test_vgg_is_torchvision_s(tmp_path: Path) -> None:
    features, before = [], 3
    for width, count in ((4, 1), (8, 1), (16, 2), (32, 2), (32, 2)):
        for _ in range(count):
            features += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        features.append(nn.MaxPool2d(2))
    between = nn.ReLU(), nn.Dropout(0.0)
    classifier = [nn.Linear(128, 6), *between, nn.Linear(6, 6), *between, nn.Linear(6, 10)]
    parts = {"features": nn.Sequential(*features), "flatten": nn.Flatten(), "classifier": nn.Sequential(*classifier)}
    theirs = nn.Sequential(OrderedDict(parts)).double()
    ours = VGG(11, (3, 64, 64), 10, 4, 6, normalized=True, dropout_ratio=0.0)
    check_as_torch(ours, theirs, None, tmp_path / "vgg.safetensors")


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


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_the_published_file_of_gpt_2(prefix: str, tmp_path: Path) -> None:
    """Matrices (inputs, outputs) and masks beside them; logits and gradients are those of the network in torch."""
    theirs = GPT2(11, 8, 12, 3, 2).double()
    state = {name: value.detach().contiguous() for name, value in theirs.state_dict().items()}
    for name, value in list(state.items()):
        if value.ndim == 2 and name.split(".")[-2].startswith("c_"):
            state[name] = value.T.contiguous()
    state |= {f"h.{i}.attn.bias": torch.ones(1, 1, 8, 8) for i in range(2)}
    state = {prefix + name: value for name, value in state.items()}
    if prefix:
        state["lm_head.weight"] = state["transformer.wte.weight"].clone()
    save_file(state, tmp_path / "model.safetensors")
    ours = networks.GPT2(layers=2, heads=3, width=12, vocabulary=11, context=8).astype("float64")
    found = xn.load_torch(tmp_path / "model.safetensors", ours)
    assert len(found.loaded) == len(ours.params) == 2 + 2 * 16 + 2
    x, t = np.asarray([[0, 3, 10, 2, 7], [1, 1, 4, 9, 5]]), np.asarray([[3, 10, 2, 7, 0], [1, 4, 9, 5, 1]])
    expected = theirs(torch.tensor(x))
    np.testing.assert_allclose(ours.predict(x), expected.detach().numpy(), rtol=1e-9, atol=1e-9)
    nn.functional.cross_entropy(expected.reshape(-1, 11), torch.tensor(t).reshape(-1)).backward()
    gradients = ours.gradient(x, t)
    of_torch = {
        "Embedding1.W": theirs.wte.weight,
        "PositionalEmbedding1.W": theirs.wpe.weight,
        "Block2.Linear2.b": theirs.h[1]["mlp"]["c_proj"].bias,
        "Block1.LayerNormalization2.gamma": theirs.h[0]["ln_2"].weight,
    }
    for name, parameter in of_torch.items():
        np.testing.assert_allclose(gradients[name], parameter.grad.numpy(), rtol=1e-8, atol=1e-10, err_msg=name)
    joined = np.concatenate([gradients[f"Block1.Attention1.W{letter}"] for letter in "qkv"], axis=1)
    np.testing.assert_allclose(joined.T, theirs.h[0]["attn"].c_attn.weight.grad.numpy(), rtol=1e-8, atol=1e-10)


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
