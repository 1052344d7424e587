"""``xpnet data``, and ``xpnet train --dataset``: what is known by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from command_line import QUICK, fails_in_one_line, run, settings

from xpnet.datasets import mnist
from xpnet.training import Run

sys.path.append(str(Path(__file__).parents[1] / "datasets"))
from idx_files import small_mnist, write_files

TEXT = "the cat sat on the mat, and the dog sat on the log. " * 200


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XPNET_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(mnist, "MIRRORS", ())
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def lines_of(result) -> dict[str, str]:
    return {words[0]: line for line in result.stdout.splitlines() if (words := line.split())}


def test_data_lists_what_is_here_and_what_the_others_need(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(folder / "KMNIST" / "raw", small_mnist())
    write_files(folder / "fashion-mnist", small_mnist() | {"train-labels-idx1-ubyte": b"none"})
    result = run("data")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    table = {line.split()[0]: line for line in lines[:10] if line.strip()}
    assert [name for name in table if name != "data"][1:] == [
        "digits", "mnist", "fashion-mnist", "kmnist", "cifar10", "cifar100", "text",
    ]  # fmt: skip
    assert "1,437 + 360" in table["digits"]
    assert "ships with Python" in table["text"]
    assert table["kmnist"].split()[1:] == ["6", "+", "4", str(folder / "KMNIST" / "raw")]
    assert all("not here" in table[name] for name in ("mnist", "fashion-mnist", "cifar10", "cifar100"))
    assert f"Files are read from XPNET_DATA, {folder}" in lines
    told = [line for line in lines if " needs " in line]
    assert [line.split()[0] for line in told] == ["mnist", "fashion-mnist", "cifar10", "cifar100"]
    assert "cifar-10-binary.tar.gz" in told[2]
    assert "https://www.cs.toronto.edu/" in lines[lines.index(told[2]) + 1]
    assert any("train-labels-idx1-ubyte: must start with 0x00000801" in line for line in lines)
    monkeypatch.delenv("XPNET_DATA")
    monkeypatch.setattr(mnist, "cache_folder", lambda: folder / "cache")
    assert "Set XPNET_DATA to the folder of your data" in run("data").stdout
    assert not (folder / "cache").exists()  # nothing is fetched


def test_what_is_known_by_name_is_trained_on(folder: Path, tmp_path: Path) -> None:
    write_files(folder / "kmnist", small_mnist())
    result = run("train", "--dataset", "kmnist", *QUICK, "--hidden", 64, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    assert "kmnist: 6 training and 4 test images of 784 pixels" in result.stdout
    assert settings(tmp_path / "run")["lr"] == 0.1
    data = bytes([5, 99]) + bytes(pixel % 3 for pixel in range(3072))
    write_files(folder / "cifar-100-binary", {"train.bin": data * 3, "test.bin": data})
    result = run("train", "--dataset", "cifar100", "--epochs", 1, "--hidden", 20, "--out", tmp_path / "other")
    assert result.exit_code == 0, result.stderr
    assert "(directions, float64" in result.stdout  # each of 61,440 weights would take minutes
    assert settings(tmp_path / "other")["optimizer"] == "adam"
    fails_in_one_line(run("train", "--dataset", "cifar10", "--out", tmp_path / "none"), "must hold cifar-10-binary")


@pytest.mark.parametrize("symbols", ["characters", "bytes", "bpe"])
def test_a_text_is_learnt_written_and_asked_again(symbols: str, tmp_path: Path) -> None:
    if symbols == "bpe":
        pytest.importorskip("tokenizers")
    (tmp_path / "book.txt").write_text(TEXT)
    arguments = ("train", tmp_path / "book.txt", "--dataset", "text", "--symbols", symbols, "--hidden", 8)
    result = run(*arguments, "--epochs", 1, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    assert "rows of 64 symbols for training" in result.stdout
    assert "nats a symbol" in result.stdout
    assert "It writes:" in result.stdout
    opened = Run(tmp_path / "run")
    assert opened.encoding.inputs.text(opened.encoding.inputs(["the cat"])[0]) == "the cat"
    assert run(*arguments, "--epochs", 2, "--resume", tmp_path / "run").exit_code == 0
    assert len(Run(tmp_path / "run").history) == 2
    assert run("report", tmp_path / "run", tmp_path / "book.txt").exit_code == 0
    (tmp_path / "prompt.txt").write_text("the ")
    result = run("predict", tmp_path / "run", tmp_path / "prompt.txt")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("the ")
    assert len(result.stdout) > 200


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("none.txt", "--dataset", "text"), "none.txt must be a file of text, got nothing of that name"),
        (("short.txt", "--dataset", "text"), "must have 65 symbols or more"),
        (("empty.txt", "--dataset", "text"), "must have 65 symbols or more"),
    ],
)
def test_bad_texts_are_refused(arguments: tuple, text: str, tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("short")
    (tmp_path / "empty.txt").write_text("")
    fails_in_one_line(run("train", *arguments), text)
    assert not (tmp_path / "runs").exists()


def test_options_of_others_are_refused_beside_a_text() -> None:
    for arguments, text in (
        (("--symbols", "bytes"), "--symbols is for --dataset text"),
        (("--dataset", "text", "--target", "a"), "--target is for a table or a folder of images"),
    ):
        result = run("train", *arguments)
        assert result.exit_code == 2
        assert text in result.stderr
