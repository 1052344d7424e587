"""A network is built again from its file, in another process too, and without the script that made it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import networks_of_ones_own
import numpy as np
import pytest
from named_numbers import normal
from networks_of_ones_own import Forgetful, Power, Tied
from safetensors.numpy import load_file, save_file
from small_net import small_net, values

import xpnet as xn
from xpnet.backend import array_namespace, to_numpy
from xpnet.cases import CASES
from xpnet.errors import DataError, DtypeError
from xpnet.layers import Affine, Concat, Convolution, Dropout, Flatten, Relu, SoftmaxWithLoss
from xpnet.networks import (
    DeepConvNet,
    MultiLayerNet,
    MultiLayerNetExtend,
    ResNet,
    Sequential,
    SimpleConvNet,
    TransformerLM,
    TwoLayerNet,
)
from xpnet.optimizers import SGD
from xpnet.training import Run, Trainer

IMAGES = normal("images", 2, 1, 16, 16)
SYMBOLS = np.asarray([[0, 3, 1], [4, 2, 2]])
NETWORKS = {
    "TwoLayerNet": lambda: (TwoLayerNet(16, 5, 3), normal("x", 2, 16)),
    "MultiLayerNet": lambda: (MultiLayerNet(16, [5, 4], 3, weight_decay_lambda=0.1), normal("x", 2, 16)),
    "Extend": lambda: (
        MultiLayerNetExtend(16, [5], 3, use_dropout=True, use_batchnorm=True),
        normal("x", 2, 16),
    ),
    "SimpleConvNet": lambda: (SimpleConvNet((1, 16, 16)), IMAGES),
    "DeepConvNet": lambda: (DeepConvNet((1, 16, 16)), IMAGES),
    "ResNet": lambda: (ResNet((1, 16, 16), (4, 8)), IMAGES),
    "TransformerLM": lambda: (TransformerLM(7, 5, 8, 2, 2, dropout_ratio=0.1), SYMBOLS),
    "tied": lambda: (TransformerLM(7, 5, 8, 2, 1, tied=True), SYMBOLS),
    "mine": lambda: (Tied(5, 4), SYMBOLS),
    "options": lambda: (
        Sequential(
            {
                "conv": Convolution.create(1, 2, 3, pad=1).freeze(),
                "branches": Concat([Convolution.create(2, 2, 1), Relu()], Convolution.create(2, 3, 1)),
                "flat": Flatten(),
                "noise": Dropout(0.25),
                "last": Affine.create(5 * 256, 3),
            },
            loss=SoftmaxWithLoss(class_weights=[1.0, 2.0, 0.5], ignore_index=-1, label_smoothing=0.1),
        ),
        IMAGES,
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_built_again(name: str, asarray, tmp_path: Path) -> None:
    net, x = NETWORKS[name]()
    x = asarray(x)
    xn.save(tmp_path / "net", net)
    again = xn.load_network(tmp_path / "net")
    assert type(again) is type(net)
    assert repr(again) == repr(net)
    assert again.summary() == net.summary()
    assert {n: layer.frozen for n, layer in again.layers.items()} == {
        n: layer.frozen for n, layer in net.layers.items()
    }
    np.testing.assert_array_equal(to_numpy(again.predict(x)), to_numpy(net.predict(x)))
    if name != "options":
        t = asarray(np.zeros(to_numpy(net.predict(x)).shape[:-1], dtype=np.int64))
        ours, theirs = net.gradient(x, t), again.gradient(x, t)
        for key, dW in ours.items():
            np.testing.assert_array_equal(to_numpy(theirs[key]), to_numpy(dW))
        assert getattr(again, "weight_decay_lambda", None) == getattr(net, "weight_decay_lambda", None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_layer_is_built_again(case, tmp_path: Path) -> None:
    with xn.use_backend("numpy", dtype="float64"):
        layer, inputs = case.build()
        xn.save(tmp_path / "layer", layer)
        again = xn.load_network(tmp_path / "layer")
        assert (type(again), repr(again)) == (type(layer), repr(layer))
        np.testing.assert_array_equal(again.predict(*inputs), layer.predict(*inputs))


def test_a_network_of_low_precision_stays_one(tmp_path: Path) -> None:
    with xn.use_backend("numpy", dtype="float32"):
        for scale in (None, 128.0, "dynamic"):
            net = small_net().compute_in("float16", scale)
            xn.save(tmp_path / "net", net)
            again = xn.load_network(tmp_path / "net")
            assert again.precision.dtype == "float16"
            assert again.precision.loss_scale == net.precision.loss_scale
            assert list(again.states) == list(net.states)


def test_options_of_ones_own(tmp_path: Path, xp, asarray) -> None:
    net = Sequential(Power(asarray([1.0, 2.0]), power=3, table=asarray([[5.0], [6.0]])))
    xn.save(tmp_path / "net", net)
    layer = xn.load_network(tmp_path / "net").layers["Power1"]
    assert layer.power == 3
    np.testing.assert_array_equal(to_numpy(layer.table), [[5.0], [6.0]])
    assert array_namespace(layer.table) is array_namespace(layer.g)
    xn.load(tmp_path / "net", net)  # the table is no parameter
    tied = Tied(5, 4)
    xn.save(tmp_path / "tied", tied)
    again = xn.load_network(tmp_path / "tied")
    assert again.inner is again.layers["hidden"]
    assert (again.vocabulary, again.scale) == (5, (0.5, float("inf")))


def test_what_no_file_can_describe_is_told_and_its_weights_are_kept(tmp_path: Path) -> None:
    net = Sequential(Forgetful(np.ones(2), 3))
    xn.save(tmp_path / "net", net)
    text = "Forgetful: the option power of its constructor must be an attribute of that name, to be written, got none; "
    with pytest.raises(DataError, match=rf"^load_network: .* must hold the description of a network, got {text}"):
        xn.load_network(tmp_path / "net")
    xn.load(tmp_path / "net", net)
    net = Tied(5, 4)
    net.rule = lambda x: x
    data = SYMBOLS, np.zeros((2, 3), dtype=np.int64)
    with pytest.raises(DtypeError, match=r"Tied: rule must be a number, a text, .* got function; make it in forward"):
        Trainer(net, SGD(0.1), data).fit(1, folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def in_a_process(code: str, *arguments: object, path: str = "") -> subprocess.CompletedProcess[str]:
    paths = [str(Path(xn.__file__).parents[1]), *([path] if path else [])]
    code = f"import sys; sys.path[:0] = {paths!r}\n{code}"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=120
    )


def test_a_fresh_process_needs_no_script(tmp_path: Path) -> None:
    with xn.use_backend("numpy", dtype="float32"):
        expected = []
        for name, make in NETWORKS.items():
            net, x = make()
            xn.save(tmp_path / name, net)
            x = x.astype(np.float32) if x.dtype.kind == "f" else x
            np.save(tmp_path / f"{name}.npy", x)
            expected.append(float(net.predict(x).sum()))
        code = """
import numpy as np
import xpnet as xn
for name in sys.argv[2:]:
    print(xn.load_network(f"{sys.argv[1]}/{name}").predict(np.load(f"{sys.argv[1]}/{name}.npy")).sum())
"""
        done = in_a_process(code, tmp_path, *NETWORKS, path=str(Path(__file__).parent))
        assert list(map(float, done.stdout.split())) == pytest.approx(expected, rel=1e-4, abs=1e-5), done.stderr


def test_a_class_is_found_by_its_import_path_or_given(tmp_path: Path) -> None:
    with xn.use_backend("numpy", dtype="float32"):
        xn.save(tmp_path / "net", Tied(5, 4))
    code = """
import xpnet as xn
try:
    print(type(xn.load_network(sys.argv[1])).__module__)
except xn.XpnetError as error:
    print(error)
"""
    here = str(Path(networks_of_ones_own.__file__).parent)
    assert in_a_process(code, tmp_path / "net", path=here).stdout == "networks_of_ones_own\n"
    assert "the class Tied of networks_of_ones_own must be found, got No module named" in in_a_process(
        code, tmp_path / "net"
    ).stdout.replace("ModuleNotFoundError: ", "")

    class Local(Tied):
        pass

    xn.save(tmp_path / "local", Local(5, 4))
    with pytest.raises(DataError, match=r"got one that stands in a script or function; .* classes=\[Local\]"):
        xn.load_network(tmp_path / "local")
    assert type(xn.load_network(tmp_path / "local", classes=[Local])) is Local


def changed(path: Path, **metadata: str) -> Path:
    """A file of which some of the metadata are others."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        before = file.metadata()
    save_file(load_file(path), path, metadata={**before, **metadata})
    return path


@pytest.mark.parametrize(
    ("network", "text"),
    [
        ("[]", "must describe a network, got TypeError"),
        ("{", "must describe a network, got JSONDecodeError"),
        ("{}", "must describe a network, got KeyError"),
        (
            '{"class": "os:system", "positions": [], "options": {}}',
            "the class system of os must be found, got a module that holds no layers",
        ),
        ('{"class": "nowhere:Net", "layers": {}}', "the class Net of nowhere must be found, got No module named"),
        ('{"class": "xpnet.layers.linear:MatMul", "positions": [], "options": {}}', "must be valid, got MatMul: "),
        ('{"class": "xpnet.layers.affine:Affine", "positions": [{"parameter": "W9"}], "options": {}}', "got KeyError"),
        ('{"class": "xpnet.layers.pooling:MaxPooling", "positions": [-2, 2], "options": {}}', "must be valid, got "),
        ('{"class": "xpnet.layers.activation:Relu", "positions": [], "options": {}}', "must hold the network's param"),
    ],
)
def test_a_description_that_is_none_is_refused(network: str, text: str, tmp_path: Path) -> None:
    xn.save(tmp_path / "net", Affine.create(2, 2))
    with pytest.raises(DataError, match=rf"^load_network: .*{text}|^load: .*{text}") as raised:
        xn.load_network(changed(tmp_path / "net", network=network))
    assert "\n" not in str(raised.value)


def test_newer_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net"
    net = small_net()
    xn.save(path, net)
    whole = path.read_bytes()
    before = values(net)
    with pytest.raises(DataError, match="must be of version 2 or older, got version 3; install a newer xpnet"):
        xn.load_network(changed(path, version="3"))
    for place in (-1, -60, -200):
        torn = bytearray(whole)
        torn[place] ^= 4
        path.write_bytes(torn)
        for call in (lambda: xn.load(path, net), lambda: xn.load_network(path)):
            with pytest.raises(DataError, match=r"must hold what was written, got other values in .*; it is damaged"):
                call()
    path.write_bytes(b"\x80\x04\x95rest of a pickle")
    with pytest.raises(DataError, match="got a pickle or an archive, which is never run"):
        xn.load_network(path)
    path.write_bytes((2**40).to_bytes(8, "little") + b"{}")
    with pytest.raises(DataError, match="must be a readable safetensors file, got header too large"):
        xn.load_network(path)
    save_file({"W": np.ones(2)}, path)
    with pytest.raises(DataError, match="must hold the description of a network, got none"):
        xn.load_network(path)
    for name, array in before.items():
        np.testing.assert_array_equal(values(net)[name], array)


def test_folders_that_hold_no_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must be the folder of a run, got a folder without last.safetensors"):
        xn.load_network(tmp_path)
    with pytest.raises(DataError, match="must be the folder of a run, got No such file or directory"):
        Run(tmp_path / "none")
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(DataError, match=r"must be the folder of a run, got a run.json that is damaged"):
        Run(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"format": 9}))
    with pytest.raises(DataError, match="must be of version 2 or older, got version 9"):
        Run(tmp_path)
