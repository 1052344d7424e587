"""The CUDA kernels without a GPU: NVRTC compiles them, and a C++ compiler runs them on the CPU, on NumPy's arrays.

``pretend_cupy`` puts a module in place of cupy whose arrays are NumPy's and whose RawKernel compiles for the CPU, so
that the bodies in ``xpnet/kernels/cupy`` run whole: what Python does around a launch, and what the kernel computes.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

HOME = Path(__file__).parent
COMPILER = shutil.which("g++") or shutil.which("clang++")
SIGNATURE = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')
TYPES = {
    "double": ctypes.c_double,
    "long long": ctypes.c_longlong,
    "unsigned long long": ctypes.c_ulonglong,
}
BUILT = Path(tempfile.gettempdir()) / "xpnet-cuda-on-cpu"


def kernels_in(text: str) -> dict[str, list[tuple[str, str]]]:
    """Name of each kernel -> its arguments as (type, name)."""
    found = {}
    for name, arguments in SIGNATURE.findall(text):
        pairs = [" ".join(part.split()).rpartition(" ") for part in arguments.split(",")]
        found[name] = [(kind, argument) for kind, _, argument in pairs]
    return found


class RawKernel:
    """As ``cupy.RawKernel``, on NumPy's arrays."""

    def __init__(self, code: str, name: str, options: tuple[str, ...] = ()) -> None:
        self.arguments = kernels_in(code)[name]
        self.run = getattr(built(code, options), f"run_{name}")

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...]) -> None:
        passed: list[Any] = [ctypes.c_uint(grid[0]), ctypes.c_uint(block[0])]
        for (kind, _), value in zip(self.arguments, args, strict=True):
            if kind.endswith("*"):
                if isinstance(value, np.ndarray):
                    assert value.flags.c_contiguous
                passed.append(ctypes.c_void_p(value.ctypes.data if isinstance(value, np.ndarray) else value))
            else:
                passed.append(TYPES[kind](value if kind == "double" else int(value)))
        self.run(*passed)


def built(code: str, options: tuple[str, ...]) -> ctypes.CDLL:
    """The kernels of a source as a shared library for this machine."""
    shims = []
    for name, arguments in kernels_in(code).items():
        declared = "".join(f", {kind} {argument}" for kind, argument in arguments)
        given = ", ".join(argument for _, argument in arguments)
        shims.append(
            f'extern "C" void run_{name}(unsigned int blocks, unsigned int threads{declared}) '
            f"{{ launch(blocks, threads, [=] {{ {name}({given}); }}); }}\n"
        )
    text = f'#include "{HOME / "cuda_on_cpu.hpp"}"\n{code}\n{"".join(shims)}'
    key = hashlib.sha256(repr((text, options, (HOME / "cuda_on_cpu.hpp").read_text())).encode()).hexdigest()[:16]
    library = BUILT / f"{key}.so"
    if not library.exists():
        BUILT.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILT) as folder:
            Path(folder, "kernels.cpp").write_text(text, encoding="utf-8")
            flags = ("-std=c++20", "-O1", "-shared", "-fPIC", "-pthread", "-w", options[0])
            command = [str(COMPILER), *flags, "kernels.cpp", "-o", "kernels.so"]
            subprocess.run(command, cwd=folder, check=True)
            Path(folder, "kernels.so").replace(library)
    return ctypes.CDLL(str(library))


def pretend_cupy() -> ModuleType:
    """A module in place of cupy, with all that the kernel bodies use of it."""

    class ndarray(np.ndarray):  # under the name by which the dispatch knows arrays
        __module__ = "cupy"

    def like(function: Any) -> Any:
        return lambda *args, **named: np.asarray(function(*args, **named)).view(ndarray)

    cupy: Any = ModuleType("cupy")
    cupy.ndarray = ndarray
    cupy.RawKernel = RawKernel
    for name in ("empty", "empty_like", "zeros", "zeros_like", "ascontiguousarray", "asarray"):
        setattr(cupy, name, like(getattr(np, name)))
    sys.modules["cupy"] = cupy
    return cupy


class Nvrtc:
    """NVIDIA's compiler of CUDA sources at run time, which needs no GPU."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(str(nvrtc_path()))

    def compile(self, code: str, *options: str) -> str:
        """The compiler's messages; empty where the source compiles without any."""
        program = ctypes.c_void_p()
        self.library.nvrtcCreateProgram(ctypes.byref(program), code.encode(), b"kernels.cu", 0, None, None)
        given = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
        failed = self.library.nvrtcCompileProgram(program, len(options), given)
        size = ctypes.c_size_t()
        self.library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        self.library.nvrtcGetProgramLog(program, log)
        self.library.nvrtcDestroyProgram(ctypes.byref(program))
        text = log.value.decode().strip()
        return text or ("it failed without a message" if failed else "")


def nvrtc_path() -> Path | None:
    """Where the package nvidia-cuda-nvrtc has put the compiler; None where it is not installed."""
    for package in ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu13", "nvidia-cuda-nvrtc-cu12"):
        try:
            found = [file for file in files(package) or [] if re.match(r"libnvrtc\.so\.\d+$", file.name)]
        except PackageNotFoundError:
            continue
        if found:
            return Path(str(found[0].locate()))
    return None
