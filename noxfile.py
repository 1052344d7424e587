"""The sessions of ``nox``: lint, types, tests on every Python and NumPy, every backend, minimal, cuda, build."""

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

# The pairs that exist: each NumPy with the Pythons for which it has wheels.
PAIRS = {
    "3.11": ("2.1", "2.2", "2.3", "2.4"),
    "3.12": ("2.1", "2.2", "2.3", "2.4", "2.5"),
    "3.13": ("2.1", "2.2", "2.3", "2.4", "2.5"),
    "3.14": ("2.3", "2.4", "2.5"),
}
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
@nox.parametrize(("python", "numpy"), [(python, numpy) for python, versions in PAIRS.items() for numpy in versions])
def tests(session: nox.Session, numpy: str) -> None:
    """The tests on NumPy and array-api-strict, for each pair of Python and NumPy.

    One pair runs all of them; the others leave out whole programs, files, pictures and other libraries, which hang
    little on the version of NumPy.
    """
    session.install(".", f"numpy=={numpy}.*", *TEST)
    newest = (session.python, numpy) == ("3.13", PAIRS["3.13"][-1])
    session.run(*PYTEST, *([] if newest else ["-m", "not journey and not elsewhere"]), *session.posargs)


@nox.session
def backends(session: nox.Session) -> None:
    """The tests on numpy, array-api-strict, torch and jax in one environment."""
    session.install(".", *TEST, *nox.project.dependency_groups(PYPROJECT, "oracles"))
    session.run(*PYTEST, *session.posargs, env={"XPNET_REQUIRE": "numpy,array-api-strict,torch,jax"})


@nox.session
def minimal(session: nox.Session) -> None:
    """The main job with NumPy alone: nothing optional may be needed."""
    session.install(".")
    session.chdir(session.create_tmp())
    session.run("xpnet", "backends")
    session.run("xpnet", "check")
    session.run("xpnet", "train", "--out", "run")


@nox.session
def cuda(session: nox.Session) -> None:
    """The tests on a CUDA device."""
    if shutil.which("nvidia-smi") is None:
        session.skip("no CUDA device here: nvidia-smi is not installed")
    extra = os.environ.get("XPNET_CUDA", "cuda13")
    session.install(f".[{extra}]", *TEST)
    session.run(*PYTEST, *session.posargs, env={"XPNET_REQUIRE": "cupy"})


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
    session.run(str(scripts / "xpnet"), "train", "--out", "run", external=True)
