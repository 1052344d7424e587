"""The C++ compiler that makes libraries of kernels. The headers of all kernels are compiled once."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache as remembered
from pathlib import Path

from pretend_cuda import HOME, PretendCudaError, cache, versions

INCLUDE = HOME / "include"
COMPILER = os.environ.get("PRETEND_CUDA_CXX") or shutil.which("g++") or shutil.which("clang++") or "g++"
FLAGS = ["-std=c++17", "-O1", "-w", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique", "-fno-strict-aliasing"]
FLAGS += ["-fno-threadsafe-statics"]
"""-w: warnings about CUDA's own habits help nobody. Aliasing: kernels read floats as ints, as NVCC lets them. Statics:
shared memory is static, and one OS thread runs all threads."""
SANITIZER = os.environ.get("PRETEND_CUDA_SANITIZE")
FLAGS += [f"-fsanitize={SANITIZER}", "-g1"] if SANITIZER else ["-fsanitize=thread"]
"""Without a sanitizer each load and store calls a function of trace.cpp first; the race detector is not linked."""
CUPY_HEADERS = ("complex.cuh", "carray.cuh", "atomics.cuh", "math_constants.h", "float16.cuh", "bfloat16.cuh")


def sanitizer() -> dict[str, str]:
    """The variables with which AddressSanitizer watches the kernels of a process.

    Raises:
        PretendCudaError: where the compiler has no AddressSanitizer.
    """
    asan, standard = (_library_of_the_compiler(name) for name in ("libasan.so", "libstdc++.so.6"))
    if asan is None or standard is None:
        raise PretendCudaError(f"{COMPILER} has no AddressSanitizer: install libasan, or use g++ from a distribution")
    options = "detect_leaks=0:detect_stack_use_after_return=0:alloc_dealloc_mismatch=0"  # fibers change stacks
    # With the standard library, or the first exception that C++ throws ends the process.
    preloaded = " ".join(filter(None, [asan, standard, os.environ.get("LD_PRELOAD")]))
    return {"PRETEND_CUDA_SANITIZE": "address", "LD_PRELOAD": preloaded, "ASAN_OPTIONS": options}


def _library_of_the_compiler(name: str) -> str | None:
    """The path of a library that comes with the compiler."""
    command = [COMPILER, f"-print-file-name={name}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=plain()).stdout.strip()
    return str(Path(said).resolve()) if Path(said).is_absolute() else None


def plain() -> dict[str, str]:
    """The environment of the compiler, which needs no sanitizer of its own."""
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


@remembered
def version() -> str:
    """What the compiler says of itself, nothing where it does not run."""
    try:
        return subprocess.run([COMPILER, "--version"], capture_output=True, text=True, check=True, env=plain()).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


@remembered
def fingerprint() -> str:
    """Changes with whatever changes a compiled kernel."""
    seen = hashlib.sha256(repr((COMPILER, FLAGS, version())).encode())
    for source in (Path(__file__), HOME / "program.py"):
        seen.update(source.read_bytes())
    for header in sorted(path for path in INCLUDE.rglob("*") if path.is_file()):
        seen.update(header.read_bytes())
    return seen.hexdigest()[:16]


def precompiled() -> Path:
    """The headers of all kernels, compiled; CuPy's own are among them."""
    cupy = versions.cupy_folder()
    if cupy is None:
        raise PretendCudaError("CuPy is not installed any more: start anew")
    headers = cupy / "_core" / "include"
    of_cupy = hashlib.sha256(f"{versions.cupy()} {headers}".encode()).hexdigest()[:8]

    def make(folder: Path) -> None:
        header = folder / "all.hpp"
        lines = [f'#include "{INCLUDE / "pretend_cuda.hpp"}"', *(f"#include <cupy/{name}>" for name in CUPY_HEADERS)]
        header.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [COMPILER, *FLAGS, f"-I{INCLUDE}", f"-I{headers}", "-x", "c++-header", str(header)]
        made = subprocess.run(
            [*command, "-o", f"{header}.gch"], capture_output=True, text=True, check=False, env=plain()
        )
        if made.returncode:
            said = next((line for line in made.stderr.splitlines() if "error" in line), made.stderr)
            raise PretendCudaError(f"{COMPILER} does not compile the headers of kernels ({said}): use g++ 12 or newer")

    return cache.made_once(f"headers-{fingerprint()}-{of_cupy}", make) / "all.hpp"


def library(text: str, options: list[str]) -> bytes:
    """A shared library of a C++ source."""
    header = precompiled()
    keep = os.environ.get("PRETEND_CUDA_KEEP")  # a folder where the sources stay, to be looked at
    with tempfile.TemporaryDirectory(prefix="pretend-cuda-") as folder:
        source, made = Path(folder, "kernels.cpp"), Path(folder, "kernels.so")
        source.write_text(text, encoding="utf-8")
        if keep:
            name = hashlib.sha256(text.encode()).hexdigest()[:16]
            Path(keep, f"{name}.cpp").write_text("// " + " ".join(options) + "\n" + text, encoding="utf-8")
        compiled = Path(folder, "kernels.o")
        linking = FLAGS if SANITIZER else ()  # else the race detector would come with it
        for command in (
            (COMPILER, *FLAGS, f"-I{INCLUDE}", *options, "-include", header, "-c", source, "-o", compiled),
            (COMPILER, *linking, "-shared", compiled, "-o", made),
        ):
            subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True, env=plain())
        return made.read_bytes()
