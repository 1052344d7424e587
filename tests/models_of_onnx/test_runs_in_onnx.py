"""``xpnet export``: the network of a run answers in onnxruntime as ``xpnet predict``, for what a user has."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner

import xpnet as xn
from xpnet.cli import main
from xpnet.datasets import Dataset
from xpnet.errors import ArgumentError
from xpnet.layers import Affine, MeanSquaredError, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import Adam
from xpnet.random import Generator
from xpnet.training import Run, Trainer

HOUSES = {
    "rooms": [2, 3, 4, 5, 3, 2, 6, 4] * 3,
    "city": ["Rome", "Oslo", "Oslo", "Rome", "Bern", "Bern", "Rome", "Oslo"] * 3,
    "garden": [True, False, True, True, False, False, True, False] * 3,
    "built": np.arange("2001-01-01", "2001-01-25", dtype="datetime64[D]"),
}
CLASSES = ["dear" if rooms > 3 else "cheap" for rooms in HOUSES["rooms"]]


def run_of(folder, inputs, outputs, data, loss=None):
    net = Sequential(Affine.create(inputs, 4), Relu(), Affine.create(4, outputs), loss=loss or SoftmaxWithLoss())
    Trainer(net, Adam(0.05), data, batch_size=8, rng=Generator(0)).fit(2, folder=folder)
    return folder


def table_of(folder, target):
    data = Dataset.of({**HOUSES, "target": target}, target="target")
    return run_of(folder, data.inputs, data.outputs, data, MeanSquaredError() if data.outputs == 1 else None)


def answers(path, feeds):
    session = onnxruntime.InferenceSession(str(path))
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


COLUMNS = {
    "rooms": np.asarray(HOUSES["rooms"], dtype=np.float64),
    "city": np.asarray(HOUSES["city"], dtype=object),
    "garden": np.asarray(HOUSES["garden"]),
    "built": HOUSES["built"].astype("datetime64[s]").astype(np.int64) / 86400.0,
}


def export(*arguments):
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


def test_digits_are_pixels_and_labels(tmp_path):
    done = CliRunner().invoke(main, ["train", "--out", str(tmp_path / "run"), "--epochs", "1", "-q"])
    assert done.exit_code == 0, done.output
    written = export(tmp_path / "run", "--onnx", "--json")
    told = json.loads(written.stdout)
    assert told["inputs"] == [{"name": "images", "dtype": "uint8", "shape": ["batch", 1, 8, 8]}]
    assert [value["name"] for value in told["outputs"]] == ["label", "probabilities", "scores"]
    onnx.checker.check_model(told["file"], full_check=True)
    run = Run(tmp_path / "run")
    pixels = Generator(0).integers(256, (5, 1, 8, 8), "pixels").astype(np.uint8)
    found = answers(told["file"], {"images": pixels})
    assert np.array_equal(found["label"], run.predict(pixels))
    assert np.allclose(found["probabilities"], run.predict_proba(pixels), atol=1e-5)


def test_columns_of_a_table_are_inputs(tmp_path):
    run = table_of(tmp_path / "run", CLASSES)
    done = export(run, "--onnx", tmp_path / "net.onnx")
    assert done.exit_code == 0, done.output
    assert "city (batch,) string" in done.stdout
    found = answers(tmp_path / "net.onnx", COLUMNS)
    assert found["label"].tolist() == Run(run).predict(HOUSES).tolist()
    assert np.allclose(found["probabilities"], Run(run).predict_proba(HOUSES), atol=1e-5)
    told = {entry.key: json.loads(entry.value) for entry in onnx.load(tmp_path / "net.onnx").metadata_props}
    assert told["answers"]["classes"] == ["cheap", "dear"]


def test_numbers_are_in_the_unit_of_training(tmp_path):
    run = table_of(tmp_path / "run", [1000.5 + 300.0 * rooms for rooms in HOUSES["rooms"]])
    model = xn.run_to_onnx(run, tmp_path / "net.onnx")
    assert [value.name for value in model.graph.output] == ["numbers"]
    found = answers(tmp_path / "net.onnx", COLUMNS)["numbers"]
    assert np.allclose(found, Run(run).predict(HOUSES), rtol=1e-5)


def test_arrays_are_taken_as_they_are(tmp_path):
    x = Generator(0).normal((12, 3), "x").astype(np.float32)
    run = run_of(tmp_path / "run", 3, 2, (x, np.arange(12) % 2))
    xn.run_to_onnx(Run(run), tmp_path / "net.onnx")
    found = answers(tmp_path / "net.onnx", {"x": x})
    assert list(found) == ["probabilities", "scores"]
    assert np.allclose(found["scores"], Run(run).scores(x), atol=1e-5)


def test_what_cannot_be_written_is_named(tmp_path):
    run = table_of(tmp_path / "run", CLASSES)
    with pytest.raises(ArgumentError, match="texts of column city"):
        xn.run_to_onnx(run, opset=18)
    for arguments, got in (
        ([run], "say in which form: --onnx, or --onnx FILE"),
        ([tmp_path, "--onnx"], "must be the folder of a run"),
        ([run, "--onnx", tmp_path / "no" / "a.onnx"], "No such file or directory"),
        ([run, "--onnx", "--opset", 9], "9 is not in the range 18<=x<=25"),
    ):
        done = export(*arguments)
        assert done.exit_code != 0
        assert got in done.stderr
        assert "Traceback" not in done.stderr


def test_the_model_of_a_run_can_be_trained_on(tmp_path):
    x = Generator(0).normal((12, 3), "x").astype(np.float32)
    run = run_of(tmp_path / "run", 3, 2, (x, np.arange(12) % 2))
    net = xn.from_onnx(xn.run_to_onnx(run), output="scores", loss=SoftmaxWithLoss())
    assert np.allclose(net.predict(x), Run(run).scores(x), atol=1e-6)
    assert xn.gradient_check(net, x, np.arange(12) % 2).ok
