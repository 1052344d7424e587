"""``xpnet predict``, ``evaluate``, ``info`` and ``serve`` on what a training has left."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from command_line import QUICK, fails_in_one_line, run
from named_numbers import normal

import xpnet as xn
from xpnet.cli import main, serve
from xpnet.datasets import Dataset, load_digits, load_text
from xpnet.layers import Affine, MeanSquaredError, SoftmaxWithLoss
from xpnet.networks import Sequential, TransformerLM
from xpnet.optimizers import SGD, Adam
from xpnet.training import Run, Trainer

ROWS = 40
SIZE = (100.0 + 20.0 * normal("size", ROWS)).round(2).tolist()
TABLE = {"size": SIZE, "zip": [("0101", "A7", "1.50")[i % 3] for i in range(ROWS)]}


def lines_of(table: dict) -> str:
    return "\n".join([",".join(table), *(",".join(map(str, row)) for row in zip(*table.values(), strict=True))]) + "\n"


def typed(*arguments: object, text: str | bytes):
    return CliRunner().invoke(main, list(map(str, arguments)), input=text)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs of a table with numbers and with classes, of a text, of arrays and of digits."""
    folder = tmp_path_factory.mktemp("runs")
    with xn.use_backend("numpy", dtype="float32"):
        price = [3.0 * size + 10.0 for size in SIZE]
        data = Dataset.of(TABLE | {"price": price}, "price")
        net = Sequential(Affine.create(data.inputs, 1), loss=MeanSquaredError())
        numbers = Trainer(net, Adam(0.1), data)
        numbers.source = {"target": "price"}
        numbers.fit(60, folder=folder / "numbers")
        data = Dataset.of(TABLE | {"dear": [size > 100.0 for size in SIZE]}, "dear")
        net = Sequential(Affine.create(data.inputs, 2), loss=SoftmaxWithLoss())
        Trainer(net, Adam(0.1), data).fit(20, folder=folder / "classes")
        (folder / "text.txt").write_text("the cat sat on the mat. " * 40)
        rows = load_text(folder / "text.txt", 8)
        Trainer(TransformerLM(rows.encoding.inputs.width, 8, 8, 2, 1), Adam(0.01), rows).fit(1, folder=folder / "text")
        x = normal("x", 30, 4).astype(np.float32)
        net = Sequential(Affine.create(4, 3), loss=SoftmaxWithLoss())
        Trainer(net, SGD(0.5), (x, np.argmax(x[:, :3], axis=1))).fit(2, folder=folder / "arrays")
    assert run("train", *QUICK, "--out", folder / "digits").exit_code == 0
    return folder


def test_rows_from_files_and_from_the_standard_input(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(lines_of(TABLE))
    objects = [dict(zip(TABLE, row, strict=True)) for row in zip(*TABLE.values(), strict=True)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, objects)))
    of_csv = run("predict", runs / "classes", tmp_path / "a.csv", "--json").stdout.splitlines()
    told = [json.loads(line) for line in of_csv]
    assert [row["row"] for row in told] == list(range(ROWS))
    assert [row["answer"] for row in told] == Run(runs / "classes").predict(TABLE).tolist()
    assert all(list(row["probabilities"]) == ["False", "True"] for row in told)
    assert all(row["probabilities"][str(row["answer"])] >= 0.5 for row in told)
    for text in (lines_of(TABLE), "\n".join(map(json.dumps, objects)), json.dumps(objects)):
        for files in ((), ("-",)):
            found = [
                json.loads(line)
                for line in typed("predict", runs / "classes", *files, "--json", text=text).stdout.splitlines()
            ]
            assert [row | {"file": ""} for row in found] == [row | {"file": ""} for row in told]
    both = run(
        "predict", runs / "classes", tmp_path / "a.csv", tmp_path / "a.jsonl", "--probabilities"
    ).stdout.splitlines()
    assert both[0] == "file,row,answer,probability,False,True"
    assert len(both) == 1 + 2 * ROWS
    assert both[1].startswith(f"{tmp_path / 'a.csv'},0,")
    numbers = typed("predict", runs / "numbers", text='{"size": 100, "zip": "A7"}').stdout.splitlines()
    assert numbers[0] == "row,answer"
    assert float(numbers[1].split(",")[1]) == pytest.approx(310.0, abs=30.0)


def test_one_row_is_answered_as_among_others(runs: Path) -> None:
    """A text of a category stays a text, although alone it could be a number."""
    opened = Run(runs / "classes")
    for row in range(6):
        one = {name: values[row] for name, values in TABLE.items()}
        assert opened.predict(one) == opened.predict(TABLE)[row]
        np.testing.assert_allclose(opened.predict_proba(one), opened.predict_proba(TABLE)[row], rtol=1e-5)
        text = typed("predict", runs / "classes", text=lines_of({name: [value] for name, value in one.items()}))
        assert text.stdout.splitlines()[1].split(",")[1] == str(opened.predict(one))
        assert text.stderr == ""


def test_what_training_has_not_seen_is_one_line_of_warning(runs: Path) -> None:
    result = typed("predict", runs / "classes", text="size,zip\n1,Z9\n")
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: Columns: column zip has 'Z9' in row 0, which training has not seen")
    assert result.stderr.count("\n") == 1


def test_digits_of_any_size_and_ground(runs: Path, tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    opened, images = Run(runs / "digits"), load_digits()[1][0][:8]
    for number, x in enumerate(np.asarray(images)):
        digit = np.kron(np.round(255 * x.reshape(8, 8)), np.ones((16, 16))).astype(np.uint8)
        large = np.full((200, 320), 255, np.uint8)
        large[30:158, 90:218] -= digit
        pillow.fromarray(large).save(tmp_path / f"{number}.png")
    lines = run("predict", runs / "digits", tmp_path).stdout.splitlines()
    assert lines[0] == "file,answer,probability"
    assert [int(line.split(",")[1]) for line in lines[1:]] == opened.predict(images).tolist()
    np.testing.assert_allclose(opened.scores([tmp_path / "0.png"]), opened.scores(images[:1]), atol=0.05)
    content = (tmp_path / "1.png").read_bytes()
    assert json.loads(typed("predict", runs / "digits", "--json", text=content).stdout)["answer"] == opened.predict(
        images[1]
    )
    names = [tmp_path / "1.png", str(tmp_path / "1.png"), content, pillow.open(tmp_path / "1.png")]
    assert {int(opened.predict(name)) for name in names} == {int(opened.predict(images[1]))}


def test_a_text_goes_on_and_arrays_have_numbered_classes(runs: Path, tmp_path: Path) -> None:
    told = json.loads(typed("predict", runs / "text", "--json", text="the cat").stdout)
    assert told["answer"].startswith("the cat")
    np.save(tmp_path / "x.npy", normal("x", 30, 4))
    lines = run("predict", runs / "arrays", tmp_path / "x.npy").stdout.splitlines()
    assert [int(line.split(",")[2]) for line in lines[1:]] == Run(runs / "arrays").scores(normal("x", 30, 4)).argmax(
        1
    ).tolist()
    assert typed("predict", runs / "arrays", text="[3, 0, 0, 1]").stdout.splitlines()[1].split(",")[2] in "012"


def test_evaluate_measures_in_the_units_of_the_target(runs: Path, tmp_path: Path) -> None:
    price = [3.0 * size + 10.0 + (-1) ** i * 5.0 for i, size in enumerate(SIZE)]
    (tmp_path / "a.csv").write_text(lines_of(TABLE | {"price": price}))
    told = json.loads(run("evaluate", runs / "numbers", tmp_path / "a.csv", "--json").stdout)
    error = Run(runs / "numbers").predict(TABLE) - price
    assert told["rows"] == ROWS
    assert told["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-4)
    assert told["rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-4)
    dear = [size > 100.0 for size in SIZE]
    (tmp_path / "b.csv").write_text(lines_of(TABLE | {"dear": dear}))
    told = json.loads(run("evaluate", runs / "classes", tmp_path / "b.csv", "--target", "dear", "--json").stdout)
    right = Run(runs / "classes").predict(TABLE) == np.asarray(dear)
    assert told["accuracy"] == pytest.approx(right.mean())
    assert told["classes"]["True"] == {"rows": sum(dear), "right": int(right[np.asarray(dear)].sum())}
    assert told["loss"] > 0.0
    _, (x, t) = load_digits()
    told = json.loads(run("evaluate", runs / "digits", "--json").stdout)
    assert told["accuracy"] == pytest.approx(xn.load_network(runs / "digits").accuracy(x, t))
    assert "perplexity" in json.loads(run("evaluate", runs / "text", runs / "text.txt", "--json").stdout)
    lines = run("evaluate", runs / "classes", tmp_path / "b.csv", "--target", "dear").stdout
    assert f"on {tmp_path / 'b.csv'}: 40 rows" in lines
    assert "precision" in lines


def test_info_tells_what_a_run_takes_and_answers(runs: Path) -> None:
    told = json.loads(run("info", runs / "classes", "--json").stdout)
    assert [column["name"] for column in told["takes"]["columns"]] == ["size", "zip"]
    assert told["answers"]["classes"] == ["False", "True"]
    assert told["network"]["parameters"] == 10
    assert told["training"]["epochs"] == 20
    assert set(told["files"]) == {"best.safetensors", "last.safetensors", "run.json"}
    lines = run("info", runs / "digits").stdout
    assert "takes    grey images of any size, scaled to 8 x 8; dark on light or light on dark" in lines
    assert "answers  10 classes, 0, 1, 2" in lines
    assert "answers  the text that goes on" in run("info", runs / "text").stdout
    assert "takes    arrays of numbers (N, 4)" in run("info", runs / "arrays").stdout
    assert "answers  price: numbers, in training" in run("info", runs / "numbers").stdout


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("classes", "a,b\n1,2\n", "rows must have the columns of training, size, zip, got a, b; add size, zip"),
        ("classes", "size,zip\nbig,A7\n", "column size must be a number in each row, got 'big' in row 0"),
        ("classes", "size,zip\n2026-01-01,A7\n", "column size must be a number in each row, got 2026-01-01"),
        ("classes", "", "standard input must name its columns in the first line"),
        ("classes", '{"size": 1, "zip"', "standard input must be JSON, got JSONDecodeError in line 1"),
        ("classes", '[{"size": [1], "zip": 2}]', "column size of standard input must hold single values"),
        ("arrays", "1,2,3\n", "rows of standard input must hold 4 numbers, as in training"),
        ("arrays", "[1, 2, 3, NaN]", "standard input must hold finite numbers"),
        ("text", b"\xff", "standard input must be text in UTF-8, got byte 0xff"),
        ("text", "", "standard input must hold a text, got none"),
    ],
)
def test_rows_that_do_not_fit_are_refused(name: str, text: str | bytes, message: str, runs: Path) -> None:
    fails_in_one_line(typed("predict", runs / name, text=text), message)


def test_files_and_folders_that_are_none_are_refused(runs: Path, tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    (tmp_path / "no.png").write_bytes(b"no image")
    fails_in_one_line(
        run("predict", runs / "digits", tmp_path / "no.png"), "no.png must be a whole image, got no image"
    )
    fails_in_one_line(run("predict", runs / "digits", tmp_path / "none.png"), "none.png must be readable, got No such")
    (tmp_path / "run.json").write_text('{"name": "a package", "version": 1}')
    for command in ("info", "predict", "evaluate", "serve"):
        rest = [tmp_path / "no.png"] if command == "predict" else []
        fails_in_one_line(run(command, tmp_path, *rest), "must be the folder of a run")
    fails_in_one_line(run("info", tmp_path / "no.png"), "must be the folder of a run, got Not a directory")
    fails_in_one_line(run("evaluate", runs / "numbers"), "DATA must be given, as that of the training is not here")
    (tmp_path / "a.csv").write_text(lines_of(TABLE))
    fails_in_one_line(
        run("evaluate", runs / "numbers", tmp_path / "a.csv"), "must have the column price, which was learnt"
    )
    fails_in_one_line(run("evaluate", runs / "classes", tmp_path / "a.csv"), "--target must name the column that was")
    fails_in_one_line(
        run("evaluate", runs / "arrays", tmp_path / "a.csv"), "keeps how its rows are encoded, got one of"
    )


def test_a_server_that_cannot_start_says_why(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(serve.NEEDED, "no_such_package", "No such package")
    fails_in_one_line(run("serve", runs / "digits"), r"pip install xpnet\[serve\]")
    monkeypatch.undo()
    for name in serve.NEEDED:
        pytest.importorskip(name)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        fails_in_one_line(
            run("serve", runs / "digits", "--port", port), f"127.0.0.1:{port} must be an address .* in use"
        )
