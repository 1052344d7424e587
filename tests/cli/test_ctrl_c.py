"""Ctrl-C keeps the last finished epoch, and says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path

import pytest
from command_line import FILES, losses, run

import xpnet as xn
from xpnet.networks import TwoLayerNet


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
    module = import_module("xpnet.cli.known_data")
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
