"""Every example of examples/science prints what its header says, and has found what was hidden."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
EXAMPLES = sorted(path.name for path in (HOME / "examples" / "science").glob("*.py"))


def run(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(HOME / "examples" / "science" / name), *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HOME)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+", text)]


def test_every_example_is_run_here() -> None:
    assert set(EXAMPLES) == set(re.findall(r'run\("(\w+\.py)"', Path(__file__).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_prints_the_header_and_runs_nothing(name: str) -> None:
    assert "show this help message" in run(name, "--help")


def test_fit_gaussians() -> None:
    for line in run("fit_gaussians.py").splitlines():
        found, error, true = numbers(line)
        assert 0.0 < error < 0.05
        assert abs(found - true) < 4.0 * error


def test_deblur() -> None:
    blurred, restored = numbers(run("deblur.py"))
    assert restored < 0.7 * blurred


def test_kalman() -> None:
    step, true_step, seen, true_seen = numbers(run("kalman.py"))
    assert abs(step - true_step) < 0.1
    assert abs(seen - true_seen) < 0.1


def test_learn_an_ode() -> None:
    for line in run("learn_an_ode.py").splitlines():
        found, true = numbers(line)
        assert found == pytest.approx(true, rel=0.05)


def test_bayes_regression() -> None:
    for line in run("bayes_regression.py").splitlines():
        found, width, true = numbers(line)
        assert abs(found - true) < 4.0 * width < 0.2


def test_bundle_adjustment() -> None:
    before, after = numbers(run("bundle_adjustment.py"))
    assert after < 1.0 < before


def test_pca() -> None:
    equal, found = numbers(run("pca.py"))
    assert found > equal + 0.2
