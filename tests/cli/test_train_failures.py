"""``xpnet train`` fails in one line, and spoils no earlier training."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command_line import FILES, QUICK, fails_in_one_line, run, run_process

from xpnet.layers import Relu


@pytest.mark.parametrize("place", ["below a file", "a file", "history taken"])
def test_an_out_that_cannot_be_written(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "taken" / "history.json").mkdir(parents=True)
    out = {"below a file": "file/sub", "a file": "file", "history taken": "taken"}[place]
    result = run("train", *QUICK, "--out", tmp_path / out)
    fails_in_one_line(result, "must be (a writable folder|writable), got .*; choose another")
    assert result.stderr.count("must be") == 1
    assert (tmp_path / "file").read_text() == "kept"


def test_weights_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").mkdir()
    fails_in_one_line(run("train", *QUICK, "--out", tmp_path), "weights.safetensors must be writable")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--backend", "nunpy"), "backend must be one of numpy, cupy, .*got 'nunpy'; run `xpnet backends`"),
        (("--device", "4"), "backend numpy: device must be .*cpu.*, got '?4"),
        (("--device", "cuda"), "backend numpy: device must be"),
        (("--seed", 2**64), "seed must be an integer from 0 to"),
        (("--lr", "nan"), "lr must be above 0"),
    ],
)
def test_a_setting_that_cannot_be_had_leaves_nothing_behind(arguments, text: str, tmp_path: Path) -> None:
    fails_in_one_line(run("train", *QUICK, *arguments, "--out", tmp_path / "out"), text)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_failed_start_keeps_the_files_of_an_earlier_training(tmp_path: Path) -> None:
    run("train", *QUICK, "--out", tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    run("train", *QUICK, "--backend", "nunpy", "--out", tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--epochs", 0), "--epochs"),
        (("--batch-size", 0), "--batch-size"),
        (("--lr", 0), "--lr"),
        (("--lr", -1), "--lr"),
        (("--hidden", "many"), "--hidden"),
        (("--seed", -1), "--seed"),
        (("--dtype", "int8"), "--dtype"),
        (("--dataset", "cifar"), "--dataset"),
    ],
)
def test_an_option_out_of_range_is_named(arguments, text: str, tmp_path: Path) -> None:
    result = run("train", *arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert f"Invalid value for '{text}'" in result.stderr
    assert not (tmp_path / "out").exists()


def test_an_unknown_backend_in_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XPNET_BACKEND", "nunpy")
    fails_in_one_line(run("train", *QUICK, "--out", tmp_path), "got 'nunpy'")


def test_cupy_without_a_gpu_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "fake" / "cupy").mkdir(parents=True)
    (tmp_path / "fake" / "cupy" / "__init__.py").write_text("def is_available(): return False\n")
    path = os.pathsep.join([str(tmp_path / "fake"), os.environ.get("PYTHONPATH", "")])
    done = run_process("train", "--backend", "cupy", "--out", tmp_path / "out", PYTHONPATH=path, PRETEND_CUDA="")
    fails_in_one_line(
        done, "backend cupy: a CUDA device and its driver must be present, got no usable device; run on a machine"
    )


def test_a_training_that_diverges_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = run_process("train", "--lr", "1e30", "--hidden", 5, "--out", tmp_path)
    text = r"Trainer: the loss must stay finite, got (nan|inf) in epoch \d+, step \d+, first in .*; lower the"
    fails_in_one_line(done, text)


def test_a_wrong_gradient_stops_the_training_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backward = Relu.backward
    monkeypatch.setattr(Relu, "backward", lambda self, dout: 2.0 * backward(self, dout))
    result = run("train", *QUICK, "--out", tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: TwoLayerNet: backward must agree with numerical differentiation (W1, b1)")
    assert "Relu1.backward is itself wrong" in result.stderr
    assert "epoch 1/" not in result.stdout
    assert not (tmp_path / "weights.safetensors").exists()


@pytest.mark.parametrize("option", ["--out", "--resume"])
def test_a_folder_with_a_name_too_long(option: str, tmp_path: Path) -> None:
    fails_in_one_line(run("train", *(QUICK if option == "--out" else ()), option, tmp_path / ("o" * 260)), "too long")
