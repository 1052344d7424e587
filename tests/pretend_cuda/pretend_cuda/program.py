"""CUDA sources as C++: what stands in for NVRTC.

A source gets ``pretend_cuda.hpp`` before it, and after it a shim for each kernel, by which the driver calls it with
pointers to its arguments. The library that comes out is what CuPy takes for a cubin; it keeps it in its own cache on
disk, under a key to which what an empty program gives, and so the compiler's fingerprint, belongs.
"""

from __future__ import annotations

import re
import subprocess

from pretend_cuda import compiler

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
KERNEL = re.compile(
    r"""(template\s*<[^;{}]*>\s*)?(?:extern\s+"C"\s+)?(?:static\s+)?__global__\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?
        void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\(""",
    re.VERBOSE,
)
DYNAMIC = re.compile(r"extern\s+__shared__\s+(?:__align__\s*\([^)]*\)\s*)?([\w\s:<>,]+?)\s*(\w+)\s*\[\s*\]\s*;")
PTX = re.compile(r'asm\s*(?:volatile)?\s*\(\s*"([\w.]+) %0, %1;"\s*:\s*"=\w"\(([^()]*)\)\s*:\s*"\w"\(([^()]*)\)\s*\)')
OF_ITS_THREAD = re.compile(
    r"threadIdx|blockIdx|blockDim|gridDim|__shared__|__sync|__shfl|__ballot|atomic(?!s\.cuh)|\breturn\s*;"
)
"""What a loop over elements must not have where one thread runs it for all: a ``return`` ends its thread alone."""


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

        Raises:
            CompileError: where the compiler refuses the source.
        """
        self.ptx = f"// pretend_cuda {compiler.fingerprint()}\n".encode()
        if not self.source.strip():  # by which CuPy asks for the version of the compiler
            return
        try:
            self.library = compiler.library(self.translated(), compiler_options(options))
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
        if "CUPY_FOR" in own and not OF_ITS_THREAD.search(own):
            lines.append('extern "C" __attribute__((visibility("default"))) const int pretend_grid_stride = 1;')
        return "\n".join(lines) + "\n"


def compiler_options(options: tuple[str, ...]) -> list[str]:
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
