"""Files that were made to do harm: nothing in them runs, nothing large is made, and one sentence names the file."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xpnet as xn
from xpnet.datasets import load_array
from xpnet.datasets.images import read_image
from xpnet.datasets.row_files import array_in
from xpnet.errors import DataError
from xpnet.layers import Affine, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.training import Run, Trainer


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run."""
    net = Sequential(Affine.create(4, 3), loss=SoftmaxWithLoss())
    x = np.eye(4, dtype="float32")
    with xn.use_backend("numpy"):
        Trainer(net, SGD(0.1), (x, np.array([0, 1, 2, 0]))).fit(1, folder=tmp_path / "run")
    return tmp_path / "run"


def with_class(folder: Path, name: Any) -> None:
    """Name another class of the first layer in the files of a run."""
    for file in folder.glob("*.safetensors"):
        text = file.read_bytes()
        old = b"xpnet.layers.affine:Affine"
        own = name.encode().ljust(len(old), b"a")
        assert len(own) == len(old)
        assert old in text
        file.write_bytes(text.replace(old, own))


@pytest.mark.parametrize(
    "name", ["os:system", "subprocess:Popen", "antigravity:fly", "idlelib.idle:main", "pip.__main__:"]
)
def test_modules_of_python_are_not_imported(name: str, run: Path) -> None:
    with_class(run, name)
    with pytest.raises(DataError, match="must be found, got a module that holds no layers"):
        Run(run)


@pytest.mark.parametrize("body", ["raise SystemExit(3)", "1 / 0", "def ("])
def test_a_module_that_fails_is_told(body: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"failing_{len(body)}"
    (tmp_path / f"{name}.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    with_class(run, f"{name}:")
    with pytest.raises(DataError, match="must be found"):
        Run(run)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("format",), float("inf")),
        (("settings",), "x"),
        (("settings", "dataset"), ["x"]),
        (("epochs", 0, "loss"), "x"),
        (("encoding", "row"), ["x"]),
        (("encoding", "inputs"), {"columns": [{"name": "a", "kind": "number", "mean": "x"}], "missing": "fill"}),
        (("encoding", "inputs"), {"images": {"size": [10**9] * 2, "channels": 1, "mean": [0], "std": [1]}}),
        (("encoding", "targets"), {"classes": ["a", "b"], "kind": "integer"}),
        (("encoding", "targets"), {"mean": 0.0, "std": 0.0}),
    ],
)
def test_descriptions_are_checked(place: tuple[Any, ...], value: Any, run: Path) -> None:
    told = json.loads((run / "run.json").read_text())
    part = told
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    (run / "run.json").write_text(json.dumps(told))
    with pytest.raises(DataError, match=r"run must be the folder of a run, got a run\.json that is damaged"):
        Run(run)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
@pytest.mark.parametrize("name", ["run.json", "best.safetensors"])
def test_pipes_do_not_hang(name: str, run: Path) -> None:
    for file in run.glob("*.safetensors") if name != "run.json" else [run / name]:
        file.unlink()
        os.mkfifo(file)
    with pytest.raises(DataError, match="must be"):
        Run(run)


def npy(header: str) -> bytes:
    text = (header + " " * (-(len(header) + 11) % 64) + "\n").encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


MORE = "a header that promises more than the file has"
HEADERS = {
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 4)}": MORE,
    "{'descr': '<f8', 'fortran_order': True, 'shape': (10000000000, 4)}": MORE,
    "{'descr': '|V0', 'fortran_order': False, 'shape': (1000000000000,)}": r"values of \|V0",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (True, 4)}": r"an array of shape \(True, 4\)",
    "(" * 5000: "",
}


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
@pytest.mark.parametrize("packed", [None, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_headers_that_promise_too_much(header: str, packed: int | None, tmp_path: Path) -> None:
    content, name = npy(header), "x.npy"
    if packed is not None:
        file, name = io.BytesIO(), "x.npz"
        with zipfile.ZipFile(file, "w", packed) as archive:
            archive.writestr("x.npy", content)
        content = file.getvalue()
    (tmp_path / name).write_bytes(content)
    refused = f"{name} must be a whole file of numbers, .npy or .npz, got {HEADERS[header]}"
    with pytest.raises(DataError, match=refused):
        load_array(tmp_path / name)
    with pytest.raises(DataError, match=refused):
        array_in(content, name, packed is not None)


def test_archives_that_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xpnet.datasets.array_files.SMALL", 1000)
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((1000, 1000)))
    with pytest.raises(DataError, match=r"bytes in .* that are compressed"):
        load_array(tmp_path / "x.npz")


@pytest.mark.parametrize(
    "content", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", b"", b"II*\x00"]
)
def test_images_start_no_program(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL")
    started: list[object] = []

    def start(_: object, command: object, *__: Any, **___: Any) -> None:
        started.append(command)
        raise OSError("there is no such program")

    monkeypatch.setattr("subprocess.Popen.__init__", start)
    with pytest.raises(DataError, match="must be a whole image"):
        read_image(content, (8, 8), 1)
    assert started == []


def test_images_have_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    pillow = pytest.importorskip("PIL.Image")
    monkeypatch.setattr("xpnet.datasets.images.PIXELS", 10)
    file = io.BytesIO()
    pillow.new("L", (4, 4)).save(file, "PNG")
    with pytest.raises(DataError, match="must be a whole image, got 4 x 4 pixels, more than 10"):
        read_image(file.getvalue(), (8, 8), 1)
