"""CUDA sources compiled for the CPU: what stands in for NVRTC.

A source gets ``pretend_cuda.hpp`` before it, and after it a shim for each kernel, by which the driver calls it with
pointers to its arguments. The headers, CuPy's own among them, are compiled once for all kernels. The library that
comes out is what CuPy takes for a cubin; it keeps it in its own cache on disk, under a key to which ``FINGERPRINT``
belongs.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache as remembered
from pathlib import Path

from pretend_cuda import cache, versions

HOME = Path(__file__).parent
INCLUDE = HOME / "include"
COMPILER = os.environ.get("PRETEND_CUDA_CXX") or shutil.which("g++") or shutil.which("clang++") or "g++"
FLAGS = ["-std=c++17", "-O1", "-w", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique", "-fno-strict-aliasing"]
"""-w: warnings about CUDA's own habits help nobody. Aliasing: kernels read floats as ints, as NVCC lets them."""
if os.environ.get(
    "PRETEND_CUDA_SANITIZE"
):  # "address": with libasan in LD_PRELOAD, a kernel that leaves its arrays is told
    FLAGS += [f"-fsanitize={os.environ['PRETEND_CUDA_SANITIZE']}", "-g1"]
else:  # each load and store calls a function of trace.cpp first
    FLAGS += ["-fsanitize=thread"]
CUPY_HEADERS = ("complex.cuh", "carray.cuh", "atomics.cuh", "math_constants.h", "float16.cuh", "bfloat16.cuh")

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
KERNEL = re.compile(
    r"""(template\s*<[^;{}]*>\s*)?(?:extern\s+"C"\s+)?(?:static\s+)?__global__\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?
        void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\(""",
    re.VERBOSE,
)
DYNAMIC = re.compile(r"extern\s+__shared__\s+(?:__align__\s*\([^)]*\)\s*)?([\w\s:<>,]+?)\s*(\w+)\s*\[\s*\]\s*;")
PTX = re.compile(r'asm\s*(?:volatile)?\s*\(\s*"([\w.]+) %0, %1;"\s*:\s*"=\w"\(([^()]*)\)\s*:\s*"\w"\(([^()]*)\)\s*\)')
BUILT_IN = re.compile(r"threadIdx|blockIdx|blockDim|gridDim|__shared__|__sync|__shfl|__ballot|atomic(?!s\.cuh)")


class CompileError(Exception):
    """The compiler refuses a source; the log of the program says why."""


class Program:
    """A source, what became of it, and the messages, as NVRTC keeps them for a program."""

    def __init__(self, source: str, name: str, headers: object, include_names: object) -> None:
        if list(headers):  # type: ignore[call-overload]
            raise NotImplementedError("pretend_cuda: headers given in memory (jitify) are not emulated")
        self.source, self.name = source, name
        self.log, self.library, self.ptx = "", b"", b""
        self.expressions: list[str] = []
        self.lowered: dict[str, str] = {}

    def compile(self, options: tuple[str, ...]) -> None:
        """Fill ``library``, ``ptx`` and ``log``.

        Raises: ``CompileError`` where the compiler refuses the source.
        """
        self.ptx = f"// pretend_cuda {fingerprint()}\n".encode()
        if not self.source.strip():  # by which CuPy asks for the version of the compiler
            return
        try:
            self.library = build(self.translated(), gpp_options(options))
        except subprocess.CalledProcessError as error:
            self.log = error.stderr
            raise CompileError from error

    def translated(self) -> str:
        """The source as C++, with the shims of its kernels."""
        text = COMMENT.sub(lambda found: "\n" * found[0].count("\n") or " ", self.source)
        own = text
        text = DYNAMIC.sub(r"\1* \2 = reinterpret_cast<\1*>(pretend_dynamic_shared);", text)
        text = PTX.sub(lambda found: f"ptx_{found[1].replace('.', '_')}({found[2]}, {found[3]})", text)
        lines = [text, ""]
        for template, name in dict.fromkeys(KERNEL.findall(own)):
            if not template:
                lines.append(f"PRETEND_KERNEL({name}, {name})")
        for number, expression in enumerate(self.expressions):
            self.lowered[expression] = f"expression_{number}"
            lines.append(f"PRETEND_KERNEL(expression_{number}, {expression})")
        if "CUPY_FOR" in own and not BUILT_IN.search(own):
            lines.append('extern "C" __attribute__((visibility("default"))) const int pretend_grid_stride = 1;')
        return "\n".join(lines) + "\n"


def gpp_options(options: tuple[str, ...]) -> list[str]:
    """The options that mean something to a C++ compiler: definitions and folders of headers."""
    kept, given = [], iter(options)
    for option in given:
        if option in ("-D", "-I", "--define-macro", "--include-path"):
            kept.append(("-D" if "d" in option.lower()[:3] else "-I") + next(given))
        elif option.startswith(("-D", "-I", "-U")):
            kept.append(option)
        elif option.startswith(("--define-macro=", "--include-path=")):
            kept.append(("-D" if "define" in option else "-I") + option.partition("=")[2])
    return kept


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
    seen = hashlib.sha256(repr((COMPILER, FLAGS, version(), Path(__file__).read_text())).encode())
    for header in sorted(path for path in INCLUDE.rglob("*") if path.is_file()):
        seen.update(header.read_bytes())
    return seen.hexdigest()[:16]


def precompiled() -> Path:
    """The headers of all kernels, compiled; CuPy's own are among them."""
    headers = versions.cupy_folder() / "_core" / "include"
    of_cupy = hashlib.sha256(f"{versions.cupy()} {headers}".encode()).hexdigest()[:8]

    def make(folder: Path) -> None:
        header = folder / "all.hpp"
        lines = [f'#include "{INCLUDE / "pretend_cuda.hpp"}"', *(f"#include <cupy/{name}>" for name in CUPY_HEADERS)]
        header.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [COMPILER, *FLAGS, f"-I{INCLUDE}", f"-I{headers}", "-x", "c++-header", str(header)]
        subprocess.run([*command, "-o", f"{header}.gch"], check=True, env=plain())

    return cache.made_once(f"headers-{fingerprint()}-{of_cupy}", make) / "all.hpp"


def build(text: str, options: list[str]) -> bytes:
    """A shared library of a C++ source."""
    header = precompiled()
    keep = os.environ.get("PRETEND_CUDA_KEEP")  # a folder where the sources stay, to be looked at
    with tempfile.TemporaryDirectory(prefix="pretend-cuda-") as folder:
        source, library = Path(folder, "kernels.cpp"), Path(folder, "kernels.so")
        source.write_text(text, encoding="utf-8")
        if keep:
            name = hashlib.sha256(text.encode()).hexdigest()[:16]
            Path(keep, f"{name}.cpp").write_text("// " + " ".join(options) + "\n" + text, encoding="utf-8")
        compiled = str(Path(folder, "kernels.o"))
        linked = FLAGS if os.environ.get("PRETEND_CUDA_SANITIZE") else []  # else the race detector would come with it
        for command in (
            [COMPILER, *FLAGS, f"-I{INCLUDE}", *options, "-include", str(header), "-c", str(source), "-o", compiled],
            [COMPILER, *linked, "-shared", compiled, "-o", str(library)],
        ):
            subprocess.run(command, capture_output=True, text=True, check=True, env=plain())
        return library.read_bytes()
