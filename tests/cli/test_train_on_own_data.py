"""``xpnet train`` on a table or a folder of images, and ``xpnet predict`` by what it leaves."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from command_line import fails_in_one_line, run
from named_numbers import normal

import xpnet as xn
from xpnet.training import Run

ROWS = 120
SIZE = 100.0 + 20.0 * normal("size", ROWS)
CITY = np.asarray(["Oslo", "Rome", "Paris"])[np.arange(ROWS) % 3]
QUICK = ("--epochs", 8, "--lr", 0.02)


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    path = tmp_path / "houses.csv"
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["id", "size", "city", "price", "sold"])
        for i in range(ROWS):
            price = 3.0 * SIZE[i] + 50.0 * (CITY[i] == "Rome")
            lines.writerow([f"h{i}", "" if i == 7 else f"{SIZE[i]:.2f}", CITY[i], f"{price:.2f}", i % 2 == 0])
    return path


def test_numbers_of_a_table(houses: Path, tmp_path: Path) -> None:
    result = run("train", houses, "--target", "price", "--epochs", 60, "--lr", 0.02, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0] == f"{houses}: 96 rows for training, 24 kept apart for validation"
    assert "  id: left out, it has 96 different texts in 96 rows" in lines
    assert any(line.startswith("  size: number, mean ") for line in lines)
    assert "  city: category of 3" in lines
    assert any(line.startswith("  sold: boolean") for line in lines)
    table = {line.split("  ")[0].strip(): line.split() for line in lines if line.startswith((" the mean", " network"))}
    assert float(table["network"][-1]) > 0.9 > float(table["the mean"][-1])
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        *("best.safetensors", "last.safetensors", "learning_curve.svg", "run.json")
    }
    opened = Run(tmp_path / "run")
    found = opened.predict({"size": [100.0, 100.0], "city": ["Rome", "Oslo"], "sold": [True, True], "id": ["a", "b"]})
    assert found == pytest.approx([350.0, 300.0], abs=25.0)


def test_classes_of_a_table(houses: Path, tmp_path: Path) -> None:
    result = run("train", houses, "--target", "city", *QUICK, "--kind", "price=none", "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    assert "to learn: 3 classes, Oslo 32, Paris 32, Rome 32" in result.stdout
    assert "price: left out, as requested" in result.stdout
    assert "always Oslo   33.33%" in result.stdout
    assert "accuracy" in result.stdout
    assert Run(tmp_path / "run").predict({"size": [1.0], "sold": [False]}).tolist()[0] in {"Oslo", "Paris", "Rome"}


def test_options_change_the_training(houses: Path, tmp_path: Path) -> None:
    more = ("--hidden", 7, "--batch-size", 24, "--optimizer", "sgd", "--validation", 0.5, "--seed", 3)
    result = run("train", houses, "--target", "price", *QUICK, *more, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    settings = json.loads((tmp_path / "run" / "run.json").read_text())["settings"]
    assert (settings["batch_size"], settings["seed"], settings["rows"], settings["validation_rows"]) == (24, 3, 60, 60)
    assert settings["optimizer"].startswith("SGD(lr=0.02")
    assert xn.load_network(tmp_path / "run").params["Affine1.W"].shape[1] == 7


def test_a_training_goes_on_or_begins_anew(houses: Path, tmp_path: Path) -> None:
    arguments = ("train", houses, "--target", "price", "--lr", 0.02)
    assert run(*arguments, "--epochs", 3, "--out", tmp_path / "run").exit_code == 0
    refused = run(*arguments, "--epochs", 3, "--out", tmp_path / "run")
    fails_in_one_line(refused, "must hold no other training, got one; go on with --resume")
    assert run(*arguments, "--epochs", 5, "--resume", tmp_path / "run").exit_code == 0
    assert len(Run(tmp_path / "run").history) == 5
    assert run(*arguments, "--epochs", 2, "--out", tmp_path / "run", "--overwrite").exit_code == 0
    assert len(Run(tmp_path / "run").history) == 2
    whole = run(*arguments, "--epochs", 5, "--out", tmp_path / "whole")
    assert whole.exit_code == 0


def test_predict_answers_in_lines(houses: Path, tmp_path: Path) -> None:
    for target in ("price", "city"):
        assert run("train", houses, "--target", target, *QUICK, "--out", tmp_path / target).exit_code == 0
    lines = run("predict", tmp_path / "price", houses).stdout.splitlines()
    assert lines[0] == "row,answer"
    assert len(lines) == 1 + ROWS
    assert [float(line.split(",")[1]) for line in lines[1:4]]
    result = run("predict", tmp_path / "city", houses, "--out", tmp_path / "answers.csv")
    assert result.stdout == ""
    lines = (tmp_path / "answers.csv").read_text().splitlines()
    assert lines[0] == "row,answer,probability"
    row, answer, share = lines[5].split(",")
    assert (row, answer in CITY) == ("4", True)
    assert 0.3 < float(share) <= 1.0
    fails_in_one_line(run("predict", tmp_path / "none", houses), "must be the folder of a run")
    (tmp_path / "few.csv").write_text("a,b\n1,2\n")
    fails_in_one_line(
        run("predict", tmp_path / "city", tmp_path / "few.csv"),
        "rows must have the columns of training, .*, got a, b; add size",
    )


def test_a_folder_of_images(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(8):
            pillow.new("RGB", (10, 10), tuple(value + i for value in colour)).save(
                tmp_path / "photos" / name / f"{i}.png"
            )
    result = run("train", tmp_path / "photos", "--size", 8, *QUICK, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    assert "to learn: 2 classes, blue 6, red 6" in result.stdout
    lines = run("predict", tmp_path / "run", tmp_path / "photos" / "red").stdout.splitlines()
    assert lines[0] == "file,answer,probability"
    assert {line.split(",")[1] for line in lines[1:]} == {"red"}
    fails_in_one_line(run("train", tmp_path / "photos", "--target", "a"), "a folder of images must be given alone")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            (),
            "--target must name a column to learn, one of id, size, city, price, sold, got none; such as --target sold",
        ),
        (("--target", "cost"), "the column must be one of id, size, .* got 'cost'"),
        (("--target", "id"), "most classes of id must occur more than once, got 120 in 120 rows"),
        (("--target", "city", "--task", "numbers"), "the target must be numbers, got 'Oslo' in row 0"),
        (("--target", "price", "--kind", "size"), "--kind must be NAME=KIND, got 'size'"),
        (("--target", "price", "--kind", "size=big"), "the kind of column size must be one of number, .* got 'big'"),
        (("--target", "price", "--dataset", "mnist"), "must not be given with DATA, got --dataset"),
        (("--target", "price", "--size", 8), "--size must be for a folder of images"),
    ],
)
def test_what_cannot_be_trained_is_refused(arguments: tuple, text: str, houses: Path, tmp_path: Path) -> None:
    fails_in_one_line(run("train", houses, *arguments), text)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "option", [("--target", "price"), ("--kind", "a=number"), ("--validation", 0.1), ("--size", 8)]
)
def test_options_of_data_without_data_are_refused(option: tuple) -> None:
    result = run("train", *option)
    assert result.exit_code == 2
    assert f"{option[0]} is for DATA: name a table or a folder of images" in result.stderr


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    fails_in_one_line(
        run("train", tmp_path / "none.csv", "--target", "a"), "must be a CSV or Parquet file, or a folder"
    )


def test_report_writes_a_page(houses: Path, tmp_path: Path) -> None:
    assert run("train", houses, "--target", "city", *QUICK, "--out", tmp_path / "run").exit_code == 0
    result = run("report", tmp_path / "run", houses, "--target", "city")
    assert result.stdout == f"wrote {tmp_path / 'run' / 'report.html'}\n"
    assert "Confusion matrix" in (tmp_path / "run" / "report.html").read_text()
    assert run("report", tmp_path / "run", "--out", tmp_path / "alone.html").exit_code == 0
    assert f"about {houses}, which includes the training rows" in (tmp_path / "alone.html").read_text()
    assert run("report", tmp_path / "run", houses, "--out", tmp_path / "again.html").exit_code == 0
    assert "Confusion matrix" in (tmp_path / "again.html").read_text()
    told = json.loads((tmp_path / "run" / "run.json").read_text())
    del told["settings"]["target"]  # as of a training by a script
    (tmp_path / "run" / "run.json").write_text(json.dumps(told))
    must = "--target must name the column that was learnt, one of id, size"
    fails_in_one_line(run("report", tmp_path / "run", houses), must)
    houses.unlink()
    assert run("report", tmp_path / "run", "--out", tmp_path / "alone.html").exit_code == 0
    assert "Confusion matrix" not in (tmp_path / "alone.html").read_text()
    fails_in_one_line(run("report", tmp_path / "none"), "must be the folder of a run")
