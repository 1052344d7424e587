"""Every example of examples/science prints what its header says, and has found what was hidden."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

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
    assert set(EXAMPLES) == set(
        re.findall(r'(?:run\(|drawn\(tmp_path, )"(\w+\.py)"', Path(__file__).read_text(encoding="utf-8"))
    )


def drawn(folder: Path, name: str, *arguments: str) -> str:
    """What an example prints that draws a picture of these series, too."""
    file = folder / "picture.svg"
    printed = run(name, *arguments, str(file))
    titles = {title.text for title in ElementTree.parse(file).iter() if title.tag.endswith("title")}
    assert SERIES[name] <= titles
    return printed


SERIES = {
    "fit_gaussians.py": {"counts", "fit", "first", "second"},
    "deblur.py": {"sharp", "blurred", "restored"},
    "kalman.py": {"seen", "filtered", "walk"},
    "learn_an_ode.py": {"seen", "first guess", "found"},
}

HELP = """
import runpy, sys
for file in sys.argv[1:]:
    sys.argv = [file, "--help"]
    try:
        runpy.run_path(file, run_name="__main__")
    except SystemExit as end:
        assert end.code == 0
"""


def test_help_prints_the_header_and_runs_nothing(tmp_path: Path) -> None:
    files = [str(HOME / "examples" / "science" / name) for name in EXAMPLES]
    environment = os.environ | {"PYTHONPATH": str(HOME)}
    command = [sys.executable, "-c", HELP, *files]
    printed = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, cwd=tmp_path).stdout
    assert printed.count("show this help message") == len(files)
    assert not [*tmp_path.iterdir()]


def test_fit_gaussians(tmp_path: Path) -> None:
    for line in drawn(tmp_path, "fit_gaussians.py").splitlines():
        found, error, true = numbers(line)
        assert 0.0 < error < 0.05
        assert abs(found - true) < 4.0 * error


def test_deblur(tmp_path: Path) -> None:
    blurred, restored = numbers(drawn(tmp_path, "deblur.py", "numpy"))
    assert restored < 0.7 * blurred


def test_kalman(tmp_path: Path) -> None:
    step, true_step, seen, true_seen = numbers(drawn(tmp_path, "kalman.py"))
    assert abs(step - true_step) < 0.1
    assert abs(seen - true_seen) < 0.1


def test_learn_an_ode(tmp_path: Path) -> None:
    for line in drawn(tmp_path, "learn_an_ode.py").splitlines():
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
