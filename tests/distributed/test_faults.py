"""A rank that fails ends its job: no rank waits for ever, none is left, and the terminal says which one it was."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from processes import HERE, by_mpi, by_variables, environment, mpi_command, needs_mpi

from xpnet.cli import main

TIMEOUT = 2.0
SAID = {
    "raises": "ValueError: this row is bad",
    "is killed": "it has ended without a word, killed or by a crash; its job ends",
    "is stopped": "no sign of life for 2 s: it is stopped, or its machine is; its job ends",
    "leaves": "it has left after 3 calls, while rank 0 waits in gather_objects; all ranks must take the same number of",
}


def is_said(fault, text):
    lines = [line for line in text.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, text
    assert lines[0].startswith(f"error: rank 1 on {socket.gethostname()}: {SAID[fault]}"), text


@pytest.mark.journey
@pytest.mark.parametrize("fault", ["is killed", "is stopped"])
def test_a_rank_that_fails_ends_its_job(fault):
    codes, text = by_variables(2, HERE / "faulty_rank.py", fault, TIMEOUT)
    is_said(fault, text)
    assert all(code != 0 for code in codes)


@pytest.mark.journey
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are found in /proc")
def test_a_hub_that_is_stopped_ends_its_job_and_is_not_left():
    codes, text = by_variables(2, HERE / "faulty_rank.py", "stops the hub", TIMEOUT)
    assert "the hub of the job, beside rank 0, " in text
    assert all(code != 0 for code in codes)
    hub = Path("/proc", re.search(r"^hub (\d+)$", text, re.MULTILINE)[1], "status")
    assert not hub.exists() or "State:\tZ" in hub.read_text()


@needs_mpi
@pytest.mark.parametrize("fault", ["raises", "is stopped", "leaves"])
def test_a_rank_of_mpi_that_fails_ends_its_job(fault):
    code, _, text = by_mpi(2, HERE / "faulty_rank.py", fault, TIMEOUT)
    if fault == "leaves":  # by MPI more calls are made, before the ranks know each other
        text = re.sub(r"after \d+ calls", "after 3 calls", text)
    is_said(fault, text)
    assert code != 0


@needs_mpi
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
def test_a_training_whose_rank_is_killed_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ("train", "--batch-size", "100", "--hidden", "10")
    command = mpi_command(2, "-m", "xpnet", *options, "--distributed", "--epochs", 400, "--out", "ranks")
    job = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(XPNET_TEST=str(tmp_path))
    )
    end = time.monotonic() + 60
    while not Path("ranks", "history.json").exists() and time.monotonic() < end:
        time.sleep(0.05)
    os.kill(pid_of_rank(1, str(tmp_path)), signal.SIGKILL)
    _, text = job.communicate(timeout=60)  # which ends when all processes have
    assert job.returncode != 0
    is_said("is killed", text)
    epochs = len(json.loads(Path("ranks", "history.json").read_text())["epochs"])
    for own in (("train", "--resume", "ranks"), (*options, "--out", "alone")):
        done = CliRunner().invoke(main, [*own, "--quiet", "--epochs", str(epochs + 2)])  # the checkpoint may be ahead
        assert done.exit_code == 0, done.output
    by_ranks, alone = (json.loads(Path(name, "history.json").read_text())["epochs"] for name in ("ranks", "alone"))
    assert [own["loss"] for own in by_ranks] == pytest.approx([one["loss"] for one in alone], rel=1e-5)


def pid_of_rank(rank, mark):
    """The process of a rank, among those that have a mark in their environment."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "environ").read_text(errors="replace").split("\0")
            if f"PMI_RANK={rank}" in told and f"XPNET_TEST={mark}" in told:
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError("no such rank")
