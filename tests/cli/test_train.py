"""``xpnet train``: what it prints and writes, and what its options change."""

from __future__ import annotations

import gzip
import json
import re
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from command_line import FILES, QUICK, fails_in_one_line, losses, run, settings
from safetensors.numpy import load_file

import xpnet as xn
from xpnet.networks import TwoLayerNet


def test_train_checks_trains_verifies_and_writes(tmp_path: Path) -> None:
    result = run("train", "--epochs", 2, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0] == f"xpnet {xn.__version__} on numpy {np.__version__}, cpu, float32"
    assert lines[1] == "digits: 1,437 training and 360 test images of 64 pixels"
    assert [line.split()[0] for line in lines if re.search(r" ok *$", line)] == ["W1", "b1", "W2", "b2"]
    epochs = [line for line in lines if line.startswith("epoch ")]
    number = r"[\d.]+"
    for k, line in enumerate(epochs, 1):
        assert re.fullmatch(rf"epoch {k}/2  loss {number}  train +{number}%  test +{number}%  +[\d,]+ samples/s", line)
    assert len(epochs) == 2
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == FILES
    assert all(name in result.stdout for name in FILES)
    history = json.loads((tmp_path / "out" / "history.json").read_text())
    assert [record["epoch"] for record in history["epochs"]] == [1, 2]
    accuracy = f"{history['epochs'][-1]['test_accuracy']:.2%}"
    assert f"test accuracy {accuracy} after" in result.stdout
    assert f"wrote {tmp_path / 'out'}" in result.stdout


def test_the_weights_that_train_writes_are_those_it_reports(tmp_path: Path) -> None:
    run("train", *QUICK, "--out", tmp_path)
    net = TwoLayerNet(64, 5, 10)
    xn.load(tmp_path / "weights.safetensors", net)
    _, test = xn.datasets.load_digits()
    assert net.accuracy(*test) == json.loads((tmp_path / "history.json").read_text())["epochs"][-1]["test_accuracy"]


def test_the_learning_curve_is_a_well_formed_picture(tmp_path: Path) -> None:
    run("train", "--epochs", 2, "--hidden", 5, "--batch-size", 100, "--out", tmp_path)
    assert ET.parse(tmp_path / "learning_curve.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_options_of_training_do_what_they_say(tmp_path: Path) -> None:
    chosen = ("--epochs", 3, "--batch-size", 50, "--lr", 0.25, "--hidden", 7, "--seed", 5)
    run("train", *chosen, "--dtype", "float64", "--out", tmp_path)
    found = settings(tmp_path)
    assert {name: found[name] for name in ("dataset", "seed", "hidden", "batch_size", "lr", "epochs")} == {
        "dataset": "digits",
        "seed": 5,
        "hidden": 7,
        "batch_size": 50,
        "lr": 0.25,
        "epochs": 3,
    }
    weights = load_file(tmp_path / "weights.safetensors")
    assert {name: (array.shape, str(array.dtype)) for name, array in weights.items()} == {
        "W1": ((64, 7), "float64"),
        "b1": ((7,), "float64"),
        "W2": ((7, 10), "float64"),
        "b2": ((10,), "float64"),
    }
    assert len(json.loads((tmp_path / "history.json").read_text())["epochs"]) == 3


def test_a_seed_names_the_whole_training(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        run("train", *QUICK, "--seed", seed, "--out", tmp_path / name)
    assert losses(tmp_path / "one") == losses(tmp_path / "same") != losses(tmp_path / "other")
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("one", "same", "other")]
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.parametrize(("option", "value"), [("--lr", 0.01), ("--batch-size", 30)])
def test_learning_rate_and_batch_size_change_the_training(option: str, value: float, tmp_path: Path) -> None:
    run("train", *QUICK, "--out", tmp_path / "one")
    run("train", *QUICK, option, value, "--out", tmp_path / "other")
    assert losses(tmp_path / "one") != losses(tmp_path / "other")


@pytest.mark.parametrize(
    ("name", "lr"), [("sgd", 0.5), ("momentum", 0.05), ("adagrad", 0.01), ("adam", 0.001), ("lion", 0.0001)]
)
def test_every_optimizer_has_a_rate_of_its_own(name: str, lr: float, tmp_path: Path) -> None:
    assert run("train", *QUICK, "--optimizer", name, "--out", tmp_path).exit_code == 0
    found = settings(tmp_path)
    assert (found["optimizer"], found["lr"]) == (name, lr)
    run("train", *QUICK, "--optimizer", name, "--lr", 0.02, "--out", tmp_path, "--overwrite")
    assert settings(tmp_path)["lr"] == 0.02


def test_train_without_out_writes_into_a_folder_of_its_own(tmp_path: Path) -> None:
    result = run("train", *QUICK)
    (folder,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"digits-\d{8}-\d{6}", folder.name)
    assert f"wrote {Path('runs') / folder.name}" in result.stdout
    assert sorted(file.name for file in folder.iterdir()) == FILES


@pytest.mark.parametrize(("name", "device"), [("array-api-strict", "device1"), ("torch", "cpu"), ("cupy", "cuda:0")])
def test_train_on_another_backend_and_device(name: str, device: str, tmp_path: Path, needs) -> None:
    needs(name)
    result = run("train", *QUICK, "--backend", name, "--device", device, "--out", tmp_path / "there")
    assert result.exit_code == 0
    assert f"on {name} " in result.stdout.splitlines()[0]
    assert f", {device}, float32" in result.stdout.splitlines()[0]
    assert settings(tmp_path / "there")["backend"].startswith(name)
    run("train", *QUICK, "--out", tmp_path / "numpy")
    assert losses(tmp_path / "there") == pytest.approx(losses(tmp_path / "numpy"), abs=1e-5)


def test_the_variable_chooses_the_backend_and_the_option_overrules_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("array_api_strict")
    monkeypatch.setenv("XPNET_BACKEND", "array-api-strict:device1")
    assert "array-api-strict" in run("train", *QUICK, "--out", tmp_path).stdout.splitlines()[0]
    assert "device1" in settings(tmp_path)["backend"]
    assert (
        "on numpy"
        in run("train", *QUICK, "--backend", "numpy", "--out", tmp_path, "--overwrite").stdout.splitlines()[0]
    )


def write_mnist(folder: Path) -> None:
    """Four small idx files: each image is bright in rows of its label."""
    for part, count in (("train", 60), ("t10k", 20)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = np.zeros((count, 28, 28), dtype=np.uint8)
        images[np.arange(count), labels * 2] = 200
        for name, values in ((f"{part}-images-idx3-ubyte", images), (f"{part}-labels-idx1-ubyte", labels)):
            head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
            (folder / f"{name}.gz").write_bytes(gzip.compress(head + values.tobytes()))


def test_mnist_is_read_from_the_folder_that_the_variable_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mnist(tmp_path)
    monkeypatch.setenv("XPNET_DATA", str(tmp_path))
    result = run("train", "--dataset", "mnist", *QUICK, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "mnist: 60 training and 20 test images of 784 pixels" in result.stdout
    assert load_file(tmp_path / "out" / "weights.safetensors")["W1"].shape == (784, 5)


def test_mnist_without_its_files_says_where_to_put_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XPNET_DATA", str(tmp_path / "none"))
    fails_in_one_line(run("train", "--dataset", "mnist", "--out", tmp_path / "out"), "XPNET_DATA=.* put them there")


def test_a_finished_training_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    assert run("train", *QUICK, "--out", tmp_path).exit_code == 0
    before = (tmp_path / "weights.safetensors").read_bytes()
    result = run("train", *QUICK, "--seed", "1", "--out", tmp_path)
    assert result.exit_code == 1
    assert f"error: train: {tmp_path} must hold no other training, got one; go on with --resume" in result.stderr
    assert (tmp_path / "weights.safetensors").read_bytes() == before
    assert run("train", *QUICK, "--seed", "1", "--out", tmp_path, "--overwrite").exit_code == 0
    assert (tmp_path / "weights.safetensors").read_bytes() != before
