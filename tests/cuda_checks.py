"""What can be asked of CUDA kernels beside their results: NVRTC's opinion of a source, and what launches were given."""

from __future__ import annotations

import ctypes
import re
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SIGNATURE = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')
REALS = {"Half": "float16", "float": "float32", "double": "float64"}
POINTERS = {"double": "float64", "long long": "int64", "unsigned char": "uint8", "bool": "bool", "void": "integers"}
STRUCTS = {"const Many": 4056}  # bytes of what is handed over by value
SCALARS = {"double": float, "long long": int, "unsigned long long": np.uint64}


class Launches:
    """Checks the arguments of every launch of xpnet, and counts them: CUDA takes whatever it is given.

    A Python int goes to a kernel as a long long, a float as a double, a NumPy number by its own size.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from xpnet.fast.cupy import launch

        self.count = 0
        self.sizes: tuple[int, int] = (0, 0)
        """Blocks and threads of the last one."""
        compiled = launch.compiled

        def checked(file: str, name: str, dtype: str) -> Any:
            kernel = compiled(file, name, dtype)
            wanted = arguments_of(launch.source(file), name, launch.options(dtype))

            def run(grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...]) -> None:
                self.count, self.sizes = self.count + 1, (grid[0], block[0])
                for (kind, argument), value in zip(wanted, args, strict=True):
                    assert fits(kind, value), f"{name}, {argument}: {kind} from {value!r}"
                kernel(grid, block, args)

            return run

        monkeypatch.setattr(launch, "compiled", checked)


def arguments_of(code: str, name: str, options: tuple[str, ...]) -> list[tuple[str, str]]:
    """The arguments of a kernel as (type, name), with the dtype of an array for the type of a pointer."""
    real, wide = (REALS[option.partition("=")[2]] for option in options[:2])
    dtypes = {**POINTERS, "REAL": real, "WIDE": wide}
    pairs = [" ".join(part.split()).rpartition(" ") for part in dict(SIGNATURE.findall(code))[name].split(",")]
    return [
        (dtypes[kind.removeprefix("const ").rstrip("*")] if kind.endswith("*") else kind, argument)
        for kind, _, argument in pairs
    ]


def fits(kind: str, value: Any) -> bool:
    """Whether a value is what an argument of this type takes it for; 0 is the null pointer."""
    if kind in SCALARS:
        return type(value) is SCALARS[kind]
    if type(value) is int:
        return value == 0
    if kind in STRUCTS:
        return type(value) is np.ndarray and value.nbytes == STRUCTS[kind]
    known = value.dtype.kind in "iu" if kind == "integers" else str(value.dtype) == kind
    return known and bool(value.flags.c_contiguous)


def unwritten(function: Any) -> Any:
    """``cupy.empty`` and its kind with values that no kernel means, so that one it forgets to write is seen."""

    def make(*args: Any, **named: Any) -> Any:
        array = function(*args, **named)
        array.fill(np.nan if array.dtype.kind == "f" else 99)
        return array

    return make


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
