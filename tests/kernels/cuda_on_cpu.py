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
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

HOME = Path(__file__).parent
COMPILER = shutil.which("g++") or shutil.which("clang++")
SIGNATURE = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')
REALS = {"Half": "float16", "float": "float32", "double": "float64"}
POINTERS = {"double": ("float64",), "long long": ("int64",), "unsigned char": ("uint8",), "bool": ("bool",)}
BUILT = Path(tempfile.gettempdir()) / "xpnet-cuda-on-cpu"


def kernels_in(text: str) -> dict[str, list[tuple[str, str]]]:
    """Name of each kernel -> its arguments as (type, name)."""
    found = {}
    for name, arguments in SIGNATURE.findall(text):
        pairs = [" ".join(part.split()).rpartition(" ") for part in arguments.split(",")]
        found[name] = [(kind, argument) for kind, _, argument in pairs]
    return found


class RawKernel:
    """As ``cupy.RawKernel``, on NumPy's arrays; it refuses what a GPU would take for other numbers than were meant."""

    launched = 0

    def __init__(self, code: str, name: str, options: tuple[str, ...] = ()) -> None:
        self.name = name
        self.arguments = kernels_in(code)[name]
        real, wide = (REALS[option.partition("=")[2]] for option in options[:2])
        self.dtypes = {**POINTERS, "REAL": (real,), "WIDE": (wide,)}
        self.run = getattr(built(code, options[:2]), f"run_{name}")

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...]) -> None:
        assert 0 < grid[0] < 2**31, self.name
        assert 0 < block[0] <= 1024, self.name
        given = [self.passed(*argument, value) for argument, value in zip(self.arguments, args, strict=True)]
        assert self.run(ctypes.c_uint(grid[0]), ctypes.c_uint(block[0]), *given) == 0, f"{self.name} hangs"
        RawKernel.launched += 1

    def passed(self, kind: str, name: str, value: Any) -> Any:
        """An argument as C has it. CuPy passes a Python int as int64, a float as double, others by their own size."""
        who = f"{self.name}, {name}: {kind} from {value!r}"
        if kind.endswith("*"):
            if type(value) is int and value == 0:
                return ctypes.c_void_p(0)
            assert value.dtype in self.dtypes[kind.removeprefix("const ").removesuffix("*")], who
            assert value.flags.c_contiguous, who
            return ctypes.c_void_p(value.ctypes.data)
        if kind == "unsigned long long":
            assert type(value) is np.uint64, who
            return ctypes.c_ulonglong(int(value))
        assert type(value) is {"double": float, "long long": int}[kind], who
        assert kind == "double" or -(2**63) <= value < 2**63, who
        return ctypes.c_double(value) if kind == "double" else ctypes.c_longlong(value)


@cache
def built(code: str, options: tuple[str, ...]) -> ctypes.CDLL:
    """The kernels of a source as a shared library for this machine."""
    shims = []
    for name, arguments in kernels_in(code).items():
        declared = "".join(f", {kind} {argument}" for kind, argument in arguments)
        members = "".join(f"{kind} {argument}; " for kind, argument in arguments)
        names = ", ".join(argument for _, argument in arguments)
        given = ", ".join(f"(({name}_arguments*)given_)->{argument}" for _, argument in arguments)
        shims.append(
            f"struct {name}_arguments {{ {members}}};\n"
            f"static void call_{name}(void* given_) {{ {name}({given}); }}\n"
            f'extern "C" int run_{name}(unsigned int blocks_, unsigned int threads_{declared}) '
            f"{{ {name}_arguments given_ = {{{names}}}; return launch(blocks_, threads_, call_{name}, &given_); }}\n"
        )
    text = f'#include "{HOME / "cuda_on_cpu.hpp"}"\n{code}\n{"".join(shims)}'
    key = hashlib.sha256(repr((text, options, (HOME / "cuda_on_cpu.hpp").read_text())).encode()).hexdigest()[:16]
    library = BUILT / f"{key}.so"
    if not library.exists():
        BUILT.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILT) as folder:
            Path(folder, "kernels.cpp").write_text(text, encoding="utf-8")
            flags = ("-std=c++17", "-O1", "-shared", "-fPIC", "-w", *options)
            command = [str(COMPILER), *flags, "kernels.cpp", "-o", "kernels.so"]
            subprocess.run(command, cwd=folder, check=True)
            Path(folder, "kernels.so").replace(library)
    return ctypes.CDLL(str(library))


def unwritten(function: Any) -> Any:
    """``numpy.empty`` and its kind with values that no kernel means, so that one it forgets to write is seen."""

    def make(*args: Any, **named: Any) -> Any:
        array = function(*args, **named)
        array.fill(np.nan if array.dtype.kind == "f" else 99)
        return array

    return make


def pretend_cupy() -> ModuleType:
    """A module in place of cupy, with all that the kernel bodies use of it."""

    class ndarray(np.ndarray):  # under the name by which the dispatch knows arrays
        __module__, __qualname__ = "cupy", "ndarray"

    def like(function: Any) -> Any:
        return lambda *args, **named: np.asarray(function(*args, **named)).view(ndarray)

    cupy: Any = ModuleType("cupy")
    cupy.ndarray = ndarray
    cupy.RawKernel = RawKernel
    for name in ("empty", "empty_like"):
        setattr(cupy, name, like(unwritten(getattr(np, name))))
    for name in ("ascontiguousarray", "asarray"):
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
