"""The sessions of ``nox``: lint, tests, backends, foreign, onnx, cupy, distributed, docs, minimal, build and more."""

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
STREAMS = [f"tests/{part}" for part in ("networks", "kernels", "backend", "test_layers.py")]
LATE = [part for part in STREAMS if part != "tests/test_layers.py"] + [
    "tests/test_layers.py::test_output_is_the_oracle_s",
    "tests/test_layers.py::test_backward_agrees_with_the_graph_of_forward",
    "tests/test_layers.py::test_a_second_forward_does_not_change_what_the_first_returned",
]


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
    """The tests on NumPy and array-api-strict on the newest pair; on the others what depends on NumPy, in float64."""
    everything = (session.python, numpy) == NEWEST
    others = nox.project.dependency_groups(PYPROJECT, "tables") if everything else ()
    session.install(".[png,serve]" if everything else ".", f"numpy=={numpy}.*", *TEST, *others)
    some = () if everything else ("-m", "numpy and not journey", "-k", "not float32 and not numerical_differentiation")
    only = {} if everything else {"XPNET_ONLY": "numpy"}
    session.run(*PYTEST, *some, *session.posargs, env={"XPNET_REQUIRE": "numpy,array-api-strict", **only})


@nox.session
def backends(session: nox.Session) -> None:
    """The tests on torch and JAX, and against them as oracles: what the newest pair could not run."""
    session.install(".", *TEST, *nox.project.dependency_groups(PYPROJECT, "oracles"))
    rest = ("-m", "(torch or jax or oracle) and not journey")
    asked = dict.fromkeys(("XPNET_ONLY", "XPNET_REQUIRE"), "torch,jax")
    # JAX compiles each operation for each shape: once for all processes, and quickly
    cache = {"JAX_COMPILATION_CACHE_DIR": str(Path(session.create_tmp()).resolve() / "jax")}
    cache |= {f"JAX_PERSISTENT_CACHE_MIN_{name}": "0" for name in ("COMPILE_TIME_SECS", "ENTRY_SIZE_BYTES")}
    quick = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
    session.run(*PYTEST, *rest, *session.posargs, env={**asked, **cache, **quick})


@nox.session(python=NEWEST[0])
def foreign(session: nox.Session) -> None:
    """Code that others wrote, differentiated: SciPy, scikit-learn, array-api-extra, and idioms of NumPy."""
    session.install(".", *TEST, *nox.project.dependency_groups(PYPROJECT, "foreign"), "torch==2.13.0")
    session.run(*PYTEST, "tests/foreign", *session.posargs, env={"SCIPY_ARRAY_API": "1"})


@nox.session(python=NEWEST[0])
def onnx(session: nox.Session) -> None:
    """Models of ONNX, written and read: every layer and network beside onnxruntime."""
    session.install(".", *TEST, *nox.project.dependency_groups(PYPROJECT, "onnx"))
    places = ("tests/models_of_onnx", "tests/test_docstring_examples.py", "tests/test_pages.py")
    session.run("python", "-m", "pytest", "-q", *places, "-k", "onnx", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The site of the documentation: a warning, a dead link or anchor, or a page without a place ends it."""
    session.install(".", *nox.project.dependency_groups(PYPROJECT, "docs"))
    folder = Path(session.create_tmp()).resolve() / "docs"
    session.run("python", "docs/site/build.py", str(folder))
    session.log(f"open {folder / 'site' / 'index.html'}")


@nox.session
def minimal(session: nox.Session) -> None:
    """The main job with NumPy alone: nothing optional may be needed."""
    session.install(".")
    session.chdir(session.create_tmp())
    session.run("xpnet", "backends")
    session.run("xpnet", "check")
    session.run("xpnet", "train", "--out", "run", "--overwrite")


@nox.session
def cupy(session: nox.Session) -> None:
    """The tests and the commands on CuPy: on a CUDA device, or on one that the CPU pretends to be."""
    pretended = install_cupy(session)
    apart = ("-k", "not numerical_differentiation") if pretended else ()  # `xpnet check` below does it
    session.run(*PYTEST, "-m", "cupy", *apart, *session.posargs)
    if pretended:  # streams that do nothing before somebody waits for them
        on_cupy(session, ["--lazy"], "-k", "not float32 and not numerical", *LATE)
    session.chdir(session.create_tmp())
    session.run("xpnet", "backends")
    session.run("xpnet", "check", "--backend", "cupy")
    session.run("xpnet", "conform", "cupy", success_codes=[1])  # CuPy's arrays have no to_device; all else must pass
    session.run("xpnet", "train", "--backend", "cupy", "--out", "run", "--overwrite")


@nox.session
def distributed(session: nox.Session) -> None:
    """Ranks that are processes, started by the mpiexec of the mpich wheel: they train, and are killed and stopped."""
    session.install(".[mpi]", *TEST)
    session.run("python", "-m", "pytest", "-q", "tests/distributed", "-m", "mpi", *session.posargs)
    session.chdir(session.create_tmp())
    session.run("mpiexec", "-n", "2", "python", "-m", "mpi4py", "-m", "xpnet", "distributed", "check")


@nox.session(default=False)
def cupy_sanitized(session: nox.Session) -> None:
    """The kernels under AddressSanitizer: one that reads or writes outside of an array ends the process."""
    install_cupy(session, pretended=True)
    on_cupy(session, ["--sanitize"], *STREAMS)


@nox.session(default=False)
def cupy_two_devices(session: nox.Session) -> None:
    """The tests on CuPy where there are two devices."""
    install_cupy(session, pretended=True)
    on_cupy(session, ["--devices", "2"])


def on_cupy(session: nox.Session, options: list[str], *some: str) -> None:
    """Run the tests on CuPy, all or those that pytest chooses by ``some``, on a pretended device with options."""
    session.run("python", "-m", "pretend_cuda", *options, *PYTEST[1:], "-m", "cupy", *some, *session.posargs)


def install_cupy(session: nox.Session, pretended: bool = False) -> bool:
    """Install CuPy for the device that is here, or with one that is pretended; return which.

    Where neither can work, the session is skipped with the reason, and fails in CI.
    """
    session.env.update(dict.fromkeys(("XPNET_ONLY", "XPNET_REQUIRE"), "cupy"))
    if shutil.which("nvidia-smi") and not pretended:
        session.install(f".[{os.environ.get('XPNET_CUDA', 'cuda13')}]", *TEST)
        return False
    session.install(".", "./tests/pretend_cuda", *TEST, *nox.project.dependency_groups(PYPROJECT, "cupy"))
    session.install("--no-deps", "nvmath-python>=1.0")  # its calls are compared with CuPy's, and not made
    session.env["PRETEND_CUDA"] = "1"
    lacks = session.run("python", "-c", "import pretend_cuda; print(pretend_cuda.lacks() or '')", silent=True)
    if isinstance(lacks, str) and lacks.strip():
        (session.error if os.environ.get("CI") else session.skip)(lacks.strip())
    return True


@nox.session(default=False)
def playground(session: nox.Session) -> None:
    """The page that runs xpnet in a browser: built, served and driven in Chromium.

    Without the npm registry, the package index or a browser it is skipped with the reason, in CI too.
    """
    session.install("pip", ".", *TEST)
    lacks = session.run("python", "docs/playground/build.py", "--lacks", silent=True)
    if isinstance(lacks, str) and lacks.strip():
        session.skip(lacks.strip())
    site = str(Path(session.create_tmp()).resolve() / "site")
    session.run("python", "docs/playground/build.py", site)
    tests = ("tests/playground/test_playground_page.py", *session.posargs)
    session.run("python", "-m", "pytest", "-q", *tests, env={"XPNET_PLAYGROUND": site})


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """The benchmark against all that can be installed, on an idle machine; with --trace, what a step asks of a GPU."""
    if "--trace" in session.posargs:
        install_cupy(session, pretended=True)
        session.install("torch==2.13.0")
        session.run("python", "benchmarks/launches.py", *(name for name in session.posargs if name != "--trace"))
        return
    session.install(".", *nox.project.dependency_groups(PYPROJECT, "oracles"))
    session.run("python", "-m", "benchmarks", *(session.posargs or ["--workloads", "all", "--footprint"]))


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
