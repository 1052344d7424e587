"""Every example prints what its header says."""

from __future__ import annotations

import ast
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(name: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / name), *arguments],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def mnist_folder() -> str:
    for folder in (os.environ.get("XPNET_DATA"), ROOT.parent / "shared" / "data"):
        if folder and Path(folder).exists():
            return str(folder)
    pytest.skip("XPNET_DATA names no folder with MNIST")


EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))


def test_every_example_is_run_here():
    assert set(EXAMPLES) == set(re.findall(r'(?:run|results)\("(\w+\.py)"', Path(__file__).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_prints_the_header_and_runs_nothing(name, monkeypatch, capsys):
    path = ROOT / "examples" / name
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(path), run_name="__main__")
    header = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    usage, _, rest = " ".join(capsys.readouterr().out.split()).partition(" ".join(header.split()))
    assert usage.startswith(f"usage: {name} [-h]")
    assert "-h, --help show this help message and exit" in rest


def test_buy_apple():
    assert run("buy_apple.py") == "price: 220\ndapple: 2.2, dapple_num: 110, dtax: 200\n"


def test_buy_apple_orange():
    assert run("buy_apple_orange.py") == (
        "price: 715\ndapple_num: 110, dapple: 2.2\ndorange: 3.3, dorange_num: 165, dtax: 650\n"
    )


def test_gradient_check():
    output = run("gradient_check.py")
    means = dict(re.findall(r"^(\w\d): (\S+)$", output, re.MULTILINE))
    assert means.keys() == {"W1", "b1", "W2", "b2"}
    assert all(float(mean) < 1e-10 for mean in means.values())
    assert "fail" not in output


def test_gradient_check_on_mnist_is_at_least_as_close_as_the_book_s():
    output = run("gradient_check.py", "mnist", XPNET_DATA=mnist_folder())
    means = dict(re.findall(r"^(\w\d): (\S+)$", output, re.MULTILINE))
    for name, printed in {"W1": 2.2e-13, "b1": 9.7e-13, "W2": 8.4e-13, "b2": 1.2e-10}.items():
        assert float(means[name]) <= printed


def test_train_mnist():
    output = run("train_mnist.py", XPNET_DATA=mnist_folder(), XPNET_BACKEND="numpy")
    (accuracy,) = re.findall(r"^test accuracy: ([\d.]+)%$", output, re.MULTILINE)
    assert float(accuracy) >= 96.5


def test_same_code_two_backends():
    output = run("same_code_two_backends.py", "numpy", "array-api-strict")
    differences = [float(line.split()[-1]) for line in output.splitlines()[1:]]
    assert len(differences) == 5
    assert max(differences) < 1e-5


def test_same_code_on_cupy(needs):
    needs("cupy")
    output = run("same_code_two_backends.py", "numpy", "cupy")
    differences = [float(line.split()[-1]) for line in output.splitlines()[1:]]
    assert len(differences) == 5
    assert max(differences) < 1e-5


@pytest.mark.parametrize("backend", ["numpy", "cupy"])
def test_autodiff(backend, needs):
    needs(backend)
    output = run("autodiff.py", backend)
    assert "f'(x)     [ 2.2232" in output
    differences = [float(value) for value in re.findall(r"difference between tape and layers (\S+)", output)]
    assert len(differences) == 4
    assert max(differences) < 1e-14


@pytest.mark.parametrize("backend", ["numpy", "cupy"])
def test_draw_graph(backend, needs, tmp_path):
    needs(backend)
    output = run("draw_graph.py", str(tmp_path), XPNET_BACKEND=backend)
    assert output.startswith("2.2, 110, 200\nflowchart LR")
    assert {path.name for path in tmp_path.iterdir()} == {"apples.svg", "apples.html"}


def test_lstm_parity():
    output = run("lstm_parity.py")
    recurrent, feed_forward = (list(map(float, line.split())) for line in output.splitlines()[1:4:2])
    assert min(recurrent) == 1.0
    assert min(feed_forward[:5]) > 0.99
    assert max(feed_forward[7:]) < 0.6
    assert "LSTM on 1000 bits: right 100.00%" in output


def test_character_model():
    first, *reports, test_loss, written = run("character_model.py", "30").split("\n", 12)
    assert re.fullmatch(r"[\d,]+ characters, \d+ different ones", first)
    losses = [float(report.rpartition(" ")[2]) for report in reports]
    assert losses[0] > losses[-1] + 0.5
    assert 2.0 < float(test_loss.split()[2]) < 3.5
    assert written.startswith("The ")
    assert len(written) == len("The ") + 300 + len("\n")


def test_train_csv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for epochs in (r"\d+", r"\d+"):  # the second time it goes on, and has nothing left to do
        output = run("train_csv.py")
        (r2,) = re.findall(rf"^epoch {epochs} of {epochs} was the best: r2 ([\d.]+) on", output, re.MULTILINE)
        assert float(r2) > 0.95
        oslo, paris = (float(number.replace(",", "")) for number in re.findall(r"([\d,]+) in", output))
        assert 150_000 < oslo < 220_000 < paris < 320_000
    assert (tmp_path / "run_csv" / "run.json").is_file()


def test_train_images(tmp_path, monkeypatch):
    pytest.importorskip("PIL")
    monkeypatch.chdir(tmp_path)
    output = run("train_images.py")
    assert float(re.findall(r"^accuracy ([\d.]+)%", output, re.MULTILINE)[0]) > 85.0
    assert output.splitlines()[-1] == "['circle', 'circle', 'circle']"


def test_finetune(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = run("finetune.py")
    clean, before, tuned, nothing = map(float, re.findall(r"([\d.]+)%", output))
    assert clean > 95.0
    assert tuned > before > nothing
    assert output.endswith("what moved: Affine1.W, Affine1.b\n")


@pytest.mark.parametrize("second", ["array-api-strict", "torch", "cupy"])
def test_resume_on_another_backend(second, needs, tmp_path, monkeypatch):
    needs(second)
    monkeypatch.chdir(tmp_path)
    _, *lines = run("resume_on_another_backend.py", "numpy", second).splitlines()
    differences = [float(line.split()[-1]) for line in lines]
    assert len(differences) == 5
    assert max(differences) < 1e-5


def results(name: str, picture: Path, columns: int, *arguments: str) -> dict[str, list[float]]:
    """The numbers in the last columns of the table that an example prints, by what stands before them."""
    _, *rows = run(name, *arguments, str(picture)).splitlines()
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    words = [row.split() for row in rows]
    return {" ".join(row[:-columns]): [float(word.strip("%")) for word in row[-columns:]] for row in words}


def test_compare_optimizers(tmp_path):
    found = results("compare_optimizers.py", tmp_path / "optimizers.svg", 2, "digits")
    losses = {name: loss for name, (loss, _) in found.items()}
    assert list(losses) == ["SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"]
    assert max(losses, key=lambda name: losses[name]) == "SGD"


def test_compare_initial_weights(tmp_path):
    found = results("compare_initial_weights.py", tmp_path / "initial_weights.svg", 5)
    assert found["relu 0.01"][-1] < 0.001 < found["relu xavier"][-1] < found["relu he"][-1]
    assert max(found["sigmoid 0.01"][1:]) < 0.02


def test_compare_batch_normalization(tmp_path):
    found = results("compare_batch_normalization.py", tmp_path / "batch_normalization.svg", 2, "digits")
    assert list(found) == ["1", "0.046", "0.0022", "0.0001"]
    with_it, without = found["0.046"]
    assert with_it > 90.0 > 20.0 > without


def test_compare_overfitting(tmp_path):
    found = results("compare_overfitting.py", tmp_path / "overfitting.svg", 3, "digits")
    gaps = [gap for _, _, gap in found.values()]
    assert gaps[0] == max(gaps)


@pytest.mark.parametrize(("network", "least"), [("simple", 15.0), ("deep", 15.0), ("res", 80.0)])
def test_train_convnets(network, least, tmp_path):
    weights = tmp_path / "net.safetensors"
    output = run("train_convnets.py", network, "--dataset", "digits", "--epochs", "2", "--save", str(weights))
    (accuracy,) = re.findall(r"^test accuracy: ([\d.]+)%$", output, re.MULTILINE)
    assert float(accuracy) > least
    assert weights.stat().st_size > 10_000


def test_seq2seq_addition():
    *epochs, _, _, _, _, _, _, _, last = run("seq2seq_addition.py", "2", "--quick").splitlines()
    first, second = (float(re.findall(r"^epoch \d: loss ([\d.]+), right [\d.]+% of", line)[0]) for line in epochs)
    assert second < first - 0.1
    assert re.fullmatch(r"\d+\+\d+ += [\d+_ ]{4} \(\d+\)", last)


def test_seq2seq_dates(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, answer = run("seq2seq_dates.py", "1", "--quick").splitlines()
    assert re.fullmatch(r"epoch 1: loss [\d.]+, right [\d.]+% of the test dates", first)
    asked, _, written = answer.partition(" = ")
    assert len(written) == 10
    picture = (tmp_path / "attention.svg").read_text(encoding="utf-8")
    assert picture.count("<rect") == 1 + len(asked) * len(written)


def test_recurrent_language_model():
    counts, *epochs, written = run("recurrent_language_model.py", "2", "--quick").split("\n", 3)
    assert re.fullmatch(r"[\d,]+ words to learn from, [\d,]+ for the test, [\d,]+ different ones", counts)
    (first, _), (second, unseen) = (
        map(float, re.findall(r"perplexity ([\d.]+), of the test ([\d.]+)", e)[0]) for e in epochs
    )
    assert second < 0.8 * first
    assert unseen < 200.0
    assert written.startswith("the function ")


def test_padded_sequences():
    *_, second, right, _, wrong, _ = run("padded_sequences.py", "2").splitlines()
    assert float(re.fullmatch(r"epoch 2: loss [\d.]+, right ([\d.]+)% of 1,000 new rows", second)[1]) > 90.0
    assert float(right.split()[1]) > 0.8
    assert float(wrong.split()[1]) < 0.2


def test_word_vectors():
    _, epoch, *lines = run("word_vectors.py", "skip-gram", "1", "--quick").splitlines()
    assert 0.3 < float(re.fullmatch(r"epoch 1: loss ([\d.]+)", epoch)[1]) < 0.68
    assert [line.partition(":")[0] for line in lines[:4]] == ["integer", "first", "true", "read"]
    assert lines[-1].startswith("true is to false as first to: ")
    assert all(line.count(",") == 4 for line in lines)


def test_cart_pole():
    *_, last = run("cart_pole.py", "20").splitlines()
    mean = float(re.fullmatch(r"100 new poles: mean return ([\d.]+) of 500, \d+% stood to the end", last)[1])
    assert 8.0 < mean <= 500.0


def test_define_by_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    losses = [float(line.split()[3].strip(",")) for line in run("define_by_run.py", "100").splitlines()]
    assert losses[-1] < 0.3 * losses[0]
    assert (tmp_path / "define_by_run.svg").read_text(encoding="utf-8").startswith("<svg")


def test_double_backward():
    descent, newton, *lines = run("double_backward.py", "10").splitlines()
    slow, fast = (int(line.split(":")[1].split()[0].replace(",", "")) for line in (descent, newton))
    assert fast < 10 < 1000 < slow
    assert all(
        line.endswith(f"at ({x}, {y})") for line, x, y in ((newton, "1.0000", "1.0000"), (descent, "0.9990", "0.9980"))
    )
    assert abs(float(lines[-1].split()[-1]) - 2.0) < 0.3


def test_tensor_parallel():
    first, losses, distance = run("tensor_parallel.py").splitlines()
    assert first == "1 ranks, each with 4,810 of 4,810 parameters"
    assert losses == "loss 2.455 -> 0.097, whole 2.455 -> 0.097"
    assert float(re.fullmatch(r"parameters are (\S+) apart at most", distance)[1]) < 1e-12


def test_gan_digits(tmp_path):
    picture = tmp_path / "gan.png"
    printed = run("gan_digits.py", "--epochs", "1", "--picture", str(picture))
    assert re.search(r"a network that reads [\d.]+% of real digits is sure of [\d.]+% of 1,000 samples", printed)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_vae_digits(tmp_path):
    picture = tmp_path / "vae.png"
    printed = run("vae_digits.py", "--epochs", "1", "--picture", str(picture))
    assert re.search(r"loss [\d.]+ nats a digit, by the mean codes of test digits [\d.]+\n", printed)
    assert picture.read_bytes().startswith(b"\x89PNG")
