"""A training that is killed, again and again, loses the epoch under way and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from killed_training import EPOCHS, trainer_of

import xpnet as xn
from xpnet.random import Generator
from xpnet.training import History, Run, Trainer
from xpnet.training.weights_file import read

HERE = Path(__file__).parent
KILLS = int(os.environ.get("XPNET_KILLS", "4"))


@pytest.fixture(autouse=True)
def on_numpy(monkeypatch: pytest.MonkeyPatch):
    with xn.use_backend("numpy", dtype="float32"):
        yield


def begun(folder: Path) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(Path(xn.__file__).parents[1]), str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(HERE / "killed_training.py"), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": paths})


def losses(history) -> list[float]:
    return [record.loss for record in history]


def test_whatever_moment_it_is_killed_at(tmp_path: Path) -> None:
    whole = trainer_of()
    whole.fit(EPOCHS)
    expected, folder, done = losses(whole.history), tmp_path / "run", 0
    for number, moment in enumerate(Generator(1).uniform((KILLS,), "kills")):
        process = begun(folder)
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.45 * moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if not (folder / "last.safetensors").exists():
            continue
        history = History()
        xn.load(folder / "last.safetensors", trainer_of().network, history=history)
        assert losses(history) == expected[: len(history)]
        assert len(history) >= done
        done = len(history)
        read(folder / "best.safetensors")
        if (folder / "run.json").exists():
            assert len(json.loads((folder / "run.json").read_text())["epochs"]) in (done - 1, done)
            Run(folder)
        if done == EPOCHS:  # the next ones hit a training of their own
            ends_as_one_that_nobody_killed(folder, whole)
            folder, done = tmp_path / f"run {number}", 0
    ends_as_one_that_nobody_killed(folder, whole)


def ends_as_one_that_nobody_killed(folder: Path, whole: Trainer) -> None:
    process = begun(folder)
    process.communicate(timeout=60)
    assert process.returncode == 0
    again = trainer_of()
    again.resume(folder)
    assert losses(again.history) == losses(whole.history)
    for name, array in whole.network.params.items():
        np.testing.assert_array_equal(again.network.params[name], array)
    for name, array in whole.updates.averages.items():
        np.testing.assert_array_equal(again.updates.averages[name], array)
    assert {path.name for path in folder.iterdir()} == {"best.safetensors", "last.safetensors", "run.json"}
