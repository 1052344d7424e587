"""``benchmarks/on_gpu.sh`` says of each part whether it passed, failed, was cut off or could not run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "on_gpu.sh"
pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(
        shutil.which("bash") is None or shutil.which("timeout") is None, reason="no bash, or no timeout"
    ),
]
SMI = """#!/bin/sh
[ "$#" = 0 ] || echo "NVIDIA Test GPU, 81559 MiB, 580.65.06, 9.0"
"""
PYTHON = f"""#!/bin/sh
case "$*" in
*find_spec*) exit 1 ;;
*pytest*) echo "3 passed"; eval "$TESTS" ;;
*check*) echo "67 of 67"; eval "$CHECK" ;;
*bench*) echo "| table |" > "$(echo "$*" | sed 's/.*--markdown //')" ;;
*) exec {sys.executable} "$@" ;;
esac
"""


@pytest.fixture
def run(tmp_path):
    """Runs the script among programs of a test; its exit code and the page."""

    def run(gpu=True, **changed):
        folder, page = tmp_path / "bin", tmp_path / "deep" / "page.md"
        folder.mkdir(exist_ok=True)
        for name, text in {"python": PYTHON, **({"nvidia-smi": SMI} if gpu else {})}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        needed = "bash sh dirname realpath mktemp date git mkdir tail tr cut grep sed timeout rm env sleep cat"
        for name in needed.split():
            found = None if (folder / name).exists() else shutil.which(name)
            if found:
                (folder / name).symlink_to(found)
        settings = {"PATH": str(folder), "HOME": str(tmp_path), "PYTHON": str(folder / "python"), "PRETEND_CUDA": "0"}
        kept = {name: os.environ[name] for name in ("PRETEND_CUDA_CACHE",) if name in os.environ}
        command = ["bash", str(SCRIPT), str(page)]
        done = subprocess.run(command, env=kept | settings | changed, capture_output=True, text=True, check=False)
        return done.returncode, page.read_text(encoding="utf-8")

    return run


def test_a_page_of_parts_that_pass(run):
    code, page = run()
    assert code == 0
    assert "| GPU | NVIDIA Test GPU, 81559 MiB, compute capability 9.0 |" in page
    assert "| driver | 580.65.06 |" in page
    assert page.count("**Passed**") == 3
    assert page.count("**Not run**: compute-sanitizer is not there.") == 2
    assert "3 passed" in page
    assert "| table |" in page


def test_what_fails_or_takes_too_long_is_told(run):
    code, page = run(TESTS="exit 3", CHECK="sleep 30", SECONDS_OF_CHECK="1")
    assert code == 1
    assert "**Failed with exit code 3**" in page
    assert "**Cut off after 1 seconds**" in page
    assert page.count("**Passed**") == 1


def test_some_of_the_parts(run):
    code, page = run(PARTS="check")
    assert code == 0
    assert page.count("## ") == 1


def test_without_a_gpu_nothing_runs(run):
    code, page = run(gpu=False)
    assert code == 1
    assert "Nothing ran: nvidia-smi finds no NVIDIA GPU" in page
    assert "##" not in page


def test_a_pretended_gpu_is_named_so_and_measures_nothing(run):
    code, page = run(gpu=False, PRETEND_CUDA="1")
    assert code == 0
    assert "a pretended CUDA on the CPU" in page
    assert page.count("**Passed**") == 2
    assert page.count("**Not run**: there is no GPU") == 3
