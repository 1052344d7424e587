"""The ten errors of README.zh-CN.md are raised and remedied as its table says, in both languages."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import xpnet as xn
from xpnet.errors import XpnetError
from xpnet.layers import Affine
from xpnet.networks import TwoLayerNet
from xpnet.optimizers import SGD
from xpnet.training import Trainer

ROOT = Path(__file__).parents[2]
CHINESE = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
TOLD = dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", CHINESE.partition("## 十个最常见的错误")[2], re.MULTILINE))

rng = np.random.default_rng(0)
x, t = rng.normal(size=(2, 64)).astype(np.float32), np.asarray([0, 1])
W, b = np.ones((64, 10), dtype=np.float32), np.zeros(10, dtype=np.float32)


def net():
    return TwoLayerNet(64, 5, 10)


def torch_data():
    backend = pytest.importorskip("torch") and xn.backend.make_backend("torch")
    return backend.asarray(x), backend.asarray(t)


def trained(lr):
    data = rng.normal(size=(20, 64)).astype(np.float32), np.arange(20) % 10
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it also warns of parameters that grow large
        return list(Trainer(net(), SGD(lr), data).run(3))


# What fails, and the same with what the table says
ERRORS = {
    "x must be an array": (
        lambda: Affine(W, b).forward(x.tolist()),
        lambda: Affine(W, b).forward(np.array(x.tolist(), dtype="float32")),
    ),
    "x must be floating": (
        lambda: Affine(W, b).forward(np.ones((2, 64), dtype=int)),
        lambda: Affine(W, b).forward(np.ones((2, 64), dtype=int).astype("float32")),
    ),
    "W and x must be on one library": (
        lambda: net().gradient(*torch_data()),
        lambda: net().to("torch").gradient(*torch_data()),
    ),
    "x must be (N, 64), got (64,)": (lambda: Affine(W, b).forward(x[0]), lambda: Affine(W, b).forward(x[0][None, :])),
    "forward must run before backward": (
        lambda: Affine(W, b).backward(np.ones((2, 10), dtype=np.float32)),
        lambda: (layer := Affine(W, b), layer.forward(x), layer.backward(np.ones((2, 10), dtype=np.float32))),
    ),
    "it must be given arrays W, b": (lambda: Affine(64, 10), lambda: Affine.create(64, 10)),
    "labels must be from 0 to 9": (
        lambda: net().loss(x, np.asarray([0, 10])),
        lambda: TwoLayerNet(64, 5, 11).loss(x, np.asarray([0, 10])),
    ),
    "integer t must be (2,)": (
        lambda: net().loss(x, np.eye(10, dtype=int)[t]),
        lambda: net().loss(x, np.eye(10, dtype=int)[t].argmax(axis=1)),
    ),
    "grads must have the names of params": (
        lambda: SGD().update(net().params, {"W": W}),
        lambda: (one := net(), SGD().update(one.params, one.gradient(x, t))),
    ),
    "the loss must stay finite": (lambda: trained(1e30), lambda: trained(0.01)),
}


def test_its_table_has_the_ten_errors():
    assert sorted(TOLD) == sorted(ERRORS)
    assert len(TOLD) == 10


@pytest.mark.parametrize("message", ERRORS)
def test_an_error_says_so_and_its_remedy_works(message, monkeypatch):
    wrong, right = ERRORS[message]
    with pytest.raises(XpnetError, match=re.escape(message)) as raised:
        wrong()
    monkeypatch.setenv("XPNET_LANG", "zh")
    assert TOLD[message] in str(raised.value)
    right()
