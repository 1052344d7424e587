"""Ranks that are processes, started by ``mpiexec``."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from processes import HERE, by_mpi, needs_mpi

from xpnet.cli import main


def ranks(count, *command, folder=HERE):
    """What rank 0 has printed."""
    code, out, text = by_mpi(count, *command, folder=folder)
    assert code == 0, out + text
    return out


@needs_mpi
@pytest.mark.parametrize(("count", "steps"), [(2, 50), (4, 6)])
def test_steps_by_ranks_are_those_of_one(count, steps):
    apart = json.loads(ranks(count, HERE / "train_by_ranks.py", steps))
    for kind in ("synchronized", "sharded"):
        assert apart[kind] < 1e-11
        assert apart[f"{kind}, alike"]


@needs_mpi
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
