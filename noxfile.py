"""The sessions of ``nox``: lint, types, tests, backends, minimal, cuda, build; on demand, bench."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.stop_on_first_error = False

# pyenv's shims answer to the name of every Python it has, and run only those that are switched on.
if shutil.which("pyenv"):
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    os.environ["PATH"] = os.pathsep.join([*map(str, root.glob("versions/3.1[1-4].*/bin")), os.environ["PATH"]])

PYPROJECT = nox.project.load_toml("pyproject.toml")
TEST = nox.project.dependency_groups(PYPROJECT, "test")

# Each NumPy on the oldest Python that has it, and each Python with the newest NumPy.
PAIRS = [
    *(("3.11", "2.1"), ("3.11", "2.2"), ("3.11", "2.3"), ("3.11", "2.4")),
    *(("3.12", "2.5"), ("3.13", "2.5"), ("3.14", "2.5")),
]
NEWEST = ("3.13", "2.5")
PYTEST = ("python", "-m", "pytest", "-q", "-n", "auto", "--maxprocesses", "4")


@nox.session(tags=["quick"])
def lint(session: nox.Session) -> None:
    """Style and format."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(tags=["quick"])
def types(session: nox.Session) -> None:
    """Strict types."""
    session.install(".", *nox.project.dependency_groups(PYPROJECT, "types"))
    session.run("mypy")


@nox.session
@nox.parametrize(("python", "numpy"), PAIRS)
def tests(session: nox.Session, numpy: str) -> None:
    """The tests on NumPy and array-api-strict on the newest pair of Python and NumPy; on others what hangs on NumPy."""
    session.install(".", f"numpy=={numpy}.*", *TEST)
    some = [] if (session.python, numpy) == NEWEST else ["-m", "numpy and not journey"]
    session.run(*PYTEST, *some, *session.posargs, env={"XPNET_REQUIRE": "numpy,array-api-strict"})


@nox.session
def backends(session: nox.Session) -> None:
    """The tests on torch and JAX, and against them as oracles: what the newest pair could not run."""
    session.install(".", *TEST, *nox.project.dependency_groups(PYPROJECT, "oracles"))
    rest = ("-m", "not numpy and not numpy_read_only and not strict and not journey")
    session.run(*PYTEST, *rest, *session.posargs, env={"XPNET_REQUIRE": "torch,jax"})


@nox.session
def minimal(session: nox.Session) -> None:
    """The main job with NumPy alone: nothing optional may be needed."""
    session.install(".")
    session.chdir(session.create_tmp())
    session.run("xpnet", "backends")
    session.run("xpnet", "check")
    session.run("xpnet", "train", "--out", "run", "--overwrite")


@nox.session
def cuda(session: nox.Session) -> None:
    """The tests on a CUDA device."""
    if shutil.which("nvidia-smi") is None:
        session.skip("no CUDA device here: nvidia-smi is not installed")
    extra = os.environ.get("XPNET_CUDA", "cuda13")
    session.install(f".[{extra}]", *TEST)
    session.run(*PYTEST, *session.posargs, env={"XPNET_REQUIRE": "cupy"})


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """The benchmark against everything that can be installed, on a machine that does nothing else."""
    session.install(".", *nox.project.dependency_groups(PYPROJECT, "oracles"))
    session.run("xpnet", "bench", *(session.posargs or ["--workloads", "all", "--footprint"]))


@nox.session
def build(session: nox.Session) -> None:
    """The wheel, installed into an empty environment, does the main job."""
    session.install("build[uv]" if session.venv_backend == "uv" else "build")
    dist = Path(session.create_tmp()).resolve()
    shutil.rmtree(dist, ignore_errors=True)
    session.run(
        "python", "-m", "build", "--outdir", str(dist), *(["--installer", "uv"] if session.venv_backend == "uv" else [])
    )
    (wheel,) = dist.glob("*.whl")
    session.run("python", "-m", "venv", str(dist / "empty"))
    scripts = dist / "empty" / ("Scripts" if sys.platform == "win32" else "bin")
    session.run(str(scripts / "python"), "-m", "pip", "install", "-q", str(wheel), external=True)
    session.chdir(dist)
    session.run(str(scripts / "xpnet"), "train", "--out", "run", "--overwrite", external=True)
