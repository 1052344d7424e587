"""The command line: what it prints, what it writes, and how it fails."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from safetensors.numpy import load_file

import xpnet as xn
from xpnet.backend import switch
from xpnet.cases import CASES
from xpnet.cli import main
from xpnet.layers import Relu
from xpnet.networks import TwoLayerNet

FILES = ["checkpoint.safetensors", "history.json", "learning_curve.svg", "weights.safetensors"]
QUICK = ("--epochs", "1", "--hidden", "5", "--batch-size", "100")


@pytest.fixture(autouse=True)
def of_one_s_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process without a chosen backend, in an empty folder, on a wide screen."""
    monkeypatch.setattr(switch, "_process", None)
    monkeypatch.delenv("XPNET_BACKEND", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_process(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "xpnet", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | variables, timeout=120)


def fails_in_one_line(result: Result | subprocess.CompletedProcess[str], text: str) -> None:
    code = result.exit_code if isinstance(result, Result) else result.returncode
    assert code == 1
    assert re.fullmatch(rf"error: [^\n]*{text}[^\n]*\n", result.stderr), result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def settings(folder: Path) -> dict:
    return json.loads((folder / "history.json").read_text())["settings"]


# train


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


def losses(folder: Path) -> list[float]:
    return [record["loss"] for record in json.loads((folder / "history.json").read_text())["epochs"]]


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


def test_train_without_out_writes_into_a_folder_of_its_own(tmp_path: Path) -> None:
    result = run("train", *QUICK)
    (folder,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"digits-\d{8}-\d{6}", folder.name)
    assert f"wrote {Path('runs') / folder.name}" in result.stdout
    assert sorted(file.name for file in folder.iterdir()) == FILES


@pytest.mark.parametrize("name", ["array-api-strict", "torch"])
def test_train_on_another_backend_and_device(name: str, tmp_path: Path) -> None:
    if name not in xn.available_backends():
        pytest.skip(f"needs {name}")
    device = "device1" if name == "array-api-strict" else "cpu"
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
    assert "on numpy" in run("train", *QUICK, "--backend", "numpy", "--out", tmp_path).stdout.splitlines()[0]


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


# Optimizers, and going on


@pytest.mark.parametrize(
    ("name", "lr"), [("sgd", 0.5), ("momentum", 0.05), ("adagrad", 0.01), ("adam", 0.001), ("lion", 0.0001)]
)
def test_every_optimizer_has_a_rate_of_its_own(name: str, lr: float, tmp_path: Path) -> None:
    assert run("train", *QUICK, "--optimizer", name, "--out", tmp_path).exit_code == 0
    found = settings(tmp_path)
    assert (found["optimizer"], found["lr"]) == (name, lr)
    run("train", *QUICK, "--optimizer", name, "--lr", 0.02, "--out", tmp_path)
    assert settings(tmp_path)["lr"] == 0.02


def test_a_stopped_training_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    chosen = ("--hidden", 5, "--batch-size", 100, "--optimizer", "adam", "--seed", 3)
    run("train", *chosen, "--epochs", 4, "--out", tmp_path / "whole")
    run("train", *chosen, "--epochs", 2, "--out", tmp_path / "parts")
    result = run("train", "--resume", tmp_path / "parts", "--epochs", 4)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "going on after epoch 2" in lines
    assert [line.split()[1] for line in lines if line.startswith("epoch ")] == ["3/4", "4/4"]
    assert f"wrote {tmp_path / 'parts'}" in lines
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("whole", "parts")]
    assert weights[0] == weights[1]
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")
    assert settings(tmp_path / "whole") == settings(tmp_path / "parts")
    run("train", "--resume", tmp_path / "parts", "--epochs", 5, "--out", tmp_path / "elsewhere")
    assert (len(losses(tmp_path / "parts")), len(losses(tmp_path / "elsewhere"))) == (4, 5)


def test_going_on_is_refused_where_it_cannot_be(tmp_path: Path) -> None:
    fails_in_one_line(run("train", "--resume", tmp_path / "none"), "none must be the folder of a training, got FileNot")
    assert not (tmp_path / "none").exists()
    run("train", *QUICK, "--out", tmp_path / "one")
    fails_in_one_line(run("train", "--resume", tmp_path / "one"), "--epochs must be above the 1 that are done, got 1;")
    result = run("train", "--resume", tmp_path / "one", "--epochs", 2, "--lr", 0.1, "--batch-size", 7)
    assert result.exit_code == 2
    assert "--resume goes on with the settings of that training: leave out --batch-size, --lr" in result.stderr
    told = (tmp_path / "one" / "history.json").read_text()
    (tmp_path / "one" / "history.json").write_text(told.replace('"sgd"', '"newton"'))
    fails_in_one_line(
        run("train", "--resume", tmp_path / "one"), "must be the folder of a training, got KeyError: 'newton"
    )
    (tmp_path / "one" / "history.json").write_text("{}")
    fails_in_one_line(run("train", "--resume", tmp_path / "one"), "one must be the folder of a training, got KeyError")
    assert sorted(file.name for file in (tmp_path / "one").iterdir()) == FILES


# Failures


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
    done = run_process("train", "--backend", "cupy", "--out", tmp_path / "out", PYTHONPATH=path)
    fails_in_one_line(
        done, "backend cupy: a CUDA device and its driver must be present, got no usable device; run on a machine"
    )


def test_a_training_that_diverges_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = run_process("train", "--lr", "1e30", "--hidden", 5, "--out", tmp_path)
    fails_in_one_line(done, r"Trainer: the loss must stay finite, got (nan|inf) in epoch \d+; lower the learning rate")


def test_a_wrong_gradient_stops_the_training_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backward = Relu.backward
    monkeypatch.setattr(Relu, "backward", lambda self, dout: 2.0 * backward(self, dout))
    result = run("train", *QUICK, "--out", tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: TwoLayerNet: backward must agree with numerical differentiation (W1, b1)")
    assert "Relu1.backward is wrong by itself" in result.stderr
    assert "epoch 1/" not in result.stdout
    assert not (tmp_path / "weights.safetensors").exists()


# Ctrl-C


def interrupt_at(line: str, *arguments: object, **variables: str) -> tuple[int, str, str]:
    """Run the command, send it SIGINT as soon as it has printed a line that starts so, and return what it left."""
    # a job in the background of a script is started with SIGINT ignored, and hands that on
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from xpnet.cli import main; main()"
    command = [sys.executable, "-u", "-c", code, *map(str, arguments)]
    flags = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": os.environ | variables}
    with subprocess.Popen(command, **flags) as process:
        deadline = threading.Timer(60.0, process.kill)
        deadline.start()
        seen = []
        for printed in process.stdout:
            seen.append(printed)
            if printed.startswith(line):
                break
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate()
        deadline.cancel()
    return process.returncode, "".join(seen) + rest, errors


on_posix = pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to a process on Windows")


@on_posix
def test_ctrl_c_keeps_the_last_finished_epoch(tmp_path: Path) -> None:
    code, output, errors = interrupt_at("epoch    3/", "train", "--epochs", 5000, "--hidden", 20, "--out", tmp_path)
    assert code == 130
    assert "Traceback" not in output + errors
    history = json.loads((tmp_path / "history.json").read_text())
    done = history["epochs"][-1]["epoch"]
    assert 2 <= done < 5000
    assert f"stopped: weights and history of epoch {done} are in {tmp_path}" in output.replace("\n", " ").replace(
        "  ", " "
    )
    net = TwoLayerNet(64, 20, 10)
    xn.load(tmp_path / "weights.safetensors", net)
    _, test = xn.datasets.load_digits()
    assert net.accuracy(*test) == history["epochs"][-1]["test_accuracy"]
    assert sorted(file.name for file in tmp_path.iterdir()) == FILES


@on_posix
@pytest.mark.parametrize("line", ["digits: ", "every gradient"])
def test_ctrl_c_before_the_first_epoch(line: str, tmp_path: Path) -> None:
    code, output, errors = interrupt_at(
        line, "train", "--hidden", 300, "--batch-size", 1, "--epochs", 500, "--out", tmp_path / "out"
    )
    assert code == 130
    assert "Traceback" not in output + errors
    assert "stopped: no epoch had finished" in output
    assert not (tmp_path / "out" / "weights.safetensors").exists()


def test_ctrl_c_while_an_epoch_is_being_saved_names_the_epoch_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("xpnet.cli.train")
    save, calls = module.save, []

    def interrupted(path: Path, network: object) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt
        save(path, network)

    monkeypatch.setattr(module, "save", interrupted)
    result = run("train", "--epochs", 3, "--hidden", 5, "--batch-size", 100, "--out", tmp_path)
    assert result.exit_code == 130
    assert len(losses(tmp_path)) == 1
    assert "weights and history of epoch 1 are in" in result.stdout


# check, backends, and the rest


def test_check_passes_on_one_backend() -> None:
    result = run("check", "--backend", "numpy")
    assert result.exit_code == 0
    for case in CASES:
        assert case.name in result.stdout
    assert f"{len(CASES)} checks on 1 backends: every gradient is right." in result.stdout


def test_check_on_a_device_and_in_float32() -> None:
    pytest.importorskip("array_api_strict")
    result = run("check", "--backend", "array-api-strict", "--device", "device1", "--dtype", "float32")
    assert result.exit_code == 0
    assert "gradient check of every layer (float32)" in result.stdout


def test_check_goes_over_every_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("array_api_strict")
    monkeypatch.setattr(import_module("xpnet.cli.check"), "available_backends", lambda: ("numpy", "array-api-strict"))
    result = run("check")
    assert f"{2 * len(CASES)} checks on 2 backends" in result.stdout


def test_check_fails_where_a_layer_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    backward = Relu.backward
    monkeypatch.setattr(Relu, "backward", lambda self, dout: 2.0 * backward(self, dout))
    result = run("check", "--backend", "numpy")
    assert result.exit_code == 1
    assert re.search(r"Relu .* fail", result.stdout)
    assert "on numpy:" in result.stdout
    assert "2 times the right one everywhere" in " ".join(result.stdout.split())
    assert "every gradient is right" not in result.stdout


def test_check_fails_where_a_gradient_is_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    backward = Relu.backward
    monkeypatch.setattr(Relu, "backward", lambda self, dout: float("nan") * backward(self, dout))
    assert run("check", "--backend", "numpy").exit_code == 1


def test_check_of_an_unknown_backend() -> None:
    fails_in_one_line(run("check", "--backend", "nunpy"), "got 'nunpy'")
    fails_in_one_line(run("check", "--device", "7", "--backend", "numpy"), "device must be")


def test_backends_lists_what_is_ready_and_what_the_others_lack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("backends")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line.startswith((" ", *xn.backend.LIBRARIES)) and line.split()}
    for name in xn.backend.LIBRARIES:
        ready = name in xn.available_backends()
        assert rows[name].rstrip().endswith(" ready")
        assert ("not ready" not in rows[name]) == ready
        if not ready:
            assert re.search(rf"^backend {name}: .*; (pip install|run on|install)", result.stdout, re.MULTILINE)
    assert np.__version__ in rows["numpy"]
    assert " cpu " in rows["numpy"]


def test_the_command_is_also_a_module() -> None:
    done = run_process("--version")
    assert done.returncode == 0
    assert done.stdout.split()[-1] == xn.__version__
    assert "train" in run_process("--help").stdout


def test_help_names_every_option() -> None:
    text = run("train", "-h").stdout
    names = ("dataset", "backend", "device", "dtype", "epochs", "batch-size", "lr", "hidden", "seed", "out")
    for option in (*names, "optimizer", "resume"):
        assert f"--{option} " in text
    assert {"train", "check", "backends"} <= set(run("--help").stdout.split())
