"""Builds the device, a library in C++, and the stand-ins over it in Cython, once for each set of versions."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from functools import cache as remembered
from pathlib import Path

from pretend_cuda import HOME, PretendCudaError, abi, cache, compiler, versions

SOURCES = HOME / "src"
MODULES = {"runtime": "api", "driver": "api", "nvrtc": "libs"}
"""Stand-in -> the package of ``cupy_backends.cuda`` that it is in."""
FLAGS = ("-std=c++17", "-fPIC", "-shared")


@remembered
def key() -> str:
    """Changes with whatever changes what is built."""
    seen = hashlib.sha256()
    for path in sorted(path for path in SOURCES.rglob("*") if path.is_file()):
        seen.update(path.relative_to(SOURCES).as_posix().encode() + b"\0" + path.read_bytes())
    for path in (Path(__file__), Path(abi.__file__)):
        seen.update(path.read_bytes())
    built_with = versions.cupy(), versions.cuda(), versions.cython(), sys.version, compiler.COMPILER, compiler.version()
    seen.update(repr((built_with, sysconfig.get_config_var("EXT_SUFFIX"))).encode())
    return seen.hexdigest()[:16]


def refusal() -> str | None:
    """Why what has been built does not fit the CuPy that is installed; None where it does, or is not built yet."""
    found = cache.folder() / f"build-{key()}" / abi.REPORT
    if not found.exists():
        return None
    return abi.refusal(found.read_text(encoding="utf-8").splitlines())


def built() -> Path:
    """The folder of the compiled modules, which are made where they are not there yet.

    Raises:
        PretendCudaError: where something does not compile, or does not fit the CuPy that is installed.
    """
    folder = cache.made_once(f"build-{key()}", _build)
    reason = refusal()
    if reason:
        raise PretendCudaError(reason)
    return folder


def _build(folder: Path) -> None:
    with ThreadPoolExecutor() as pool:  # of compilers, which are processes
        for done in [pool.submit(_device, folder), *(pool.submit(_stand_in, folder, name) for name in MODULES)]:
            done.result()
    (folder / abi.REPORT).write_text("\n".join(abi.differences(folder)), encoding="utf-8")


def _device(folder: Path) -> None:
    sources = sorted(SOURCES.glob("*.cpp"))
    _run(compiler.COMPILER, *FLAGS, "-O2", "-Wall", "-Wextra", *sources, "-o", folder / "libpretend_cuda.so", "-ldl")


def _stand_in(folder: Path, name: str) -> None:
    source, made = SOURCES / "cupy_backends" / "cuda" / MODULES[name] / f"{name}.pyx", folder / f"{name}.cpp"
    _run(sys.executable, "-m", "cython", "-3", "--cplus", "-I", SOURCES, source, "-o", made)
    include = f"-I{sysconfig.get_path('include')}"
    _run(compiler.COMPILER, *FLAGS, "-O1", "-w", include, f"-I{SOURCES}", made, "-o", folder / f"{name}.so")
    made.unlink()


def _run(*command: object) -> None:
    words = [str(word) for word in command]
    environment = {name: value for name, value in os.environ.items() if name not in ("PRETEND_CUDA", "LD_PRELOAD")}
    done = subprocess.run(words, capture_output=True, text=True, cwd=SOURCES, env=environment, check=False)
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).splitlines()[:12])
        raise PretendCudaError(f"pretend_cuda does not build here; `{' '.join(words)}` says:\n{said}")
