"""Ranks that are processes, started by ``mpiexec``."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from xpnet.cli import main

HERE = Path(__file__).parent
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))

pytestmark = pytest.mark.skipif(not (find_spec("mpi4py") and MPIEXEC), reason="mpi4py and an mpiexec are needed")


def ranks(count, *command, folder=HERE):
    """What rank 0 has printed."""
    paths = os.pathsep.join(filter(None, [str(HERE.parent.parent), os.environ.get("PYTHONPATH", "")]))
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    start = [MPIEXEC, "-n", str(count), sys.executable, "-m", "mpi4py", *command]
    done = subprocess.run(start, capture_output=True, text=True, timeout=300, cwd=folder, env={**os.environ, **threads})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("count", "steps"), [(2, 50), (4, 6)])
def test_steps_by_ranks_are_those_of_one(count, steps):
    apart = json.loads(ranks(count, str(HERE / "train_by_ranks.py"), str(steps)))
    for kind in ("synchronized", "sharded"):
        assert apart[kind] < 1e-11
        assert apart[f"{kind}, alike"]


def test_the_command_goes_on_with_another_number_of_ranks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ("train", "--batch-size", "100", "--hidden", "10", "--quiet", "--out")
    ranks(2, "-m", "xpnet", *options, "by ranks", "--distributed", "--epochs", "1", folder=tmp_path)
    for command in ((*options, "alone"), ("train", "--quiet", "--resume", "by ranks")):
        done = CliRunner().invoke(main, [*command, "--epochs", "2"])
        assert done.exit_code == 0, done.output
    by_ranks, alone = (json.loads(Path(name, "history.json").read_text())["epochs"] for name in ("by ranks", "alone"))
    assert len(by_ranks) == len(alone) == 2
    for own, one in zip(by_ranks, alone, strict=True):
        assert own["loss"] == pytest.approx(one["loss"], rel=1e-5)
        assert own["test_accuracy"] == pytest.approx(one["test_accuracy"], abs=0.003)


def test_several_processes_must_be_started_for_a_distributed_training(tmp_path):
    command = [sys.executable, "-m", "xpnet", "train", "--distributed"]
    env = {**os.environ, "PYTHONPATH": str(HERE.parent.parent)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=env)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "mpiexec -n 4 python -m mpi4py -m xpnet train --distributed" in done.stderr
