"""Hands out the stand-ins in the place of CuPy's own modules."""

from __future__ import annotations

import ctypes
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from pretend_cuda import cache

BUILT = {
    "cupy_backends.cuda.api.runtime": "runtime.so",
    "cupy_backends.cuda.api.driver": "driver.so",
    "cupy_backends.cuda.libs.nvrtc": "nvrtc.so",
}
"""What Cython compiles, because modules of the wheel import C functions from it."""
WRITTEN = {
    "cupy_backends.cuda.libs.cublas": "pretend_cuda.cublas",
    "cupy_backends.cuda.libs.cusolver": "pretend_cuda.cusolver",
    "cupy_backends.cuda.libs.nccl": "pretend_cuda.nccl",
    "cupy.cuda.nccl": "pretend_cuda.nccl",
    "cupy.cuda.thrust": "pretend_cuda.thrust",
    "cupy.cuda.cufft": "pretend_cuda.cufft",
    "cupyx._cusolver": "pretend_cuda.cupyx_cusolver",
    "nvmath.bindings.cublas": "pretend_cuda.nvmath_cublas",
    "cuda.bindings.runtime": "pretend_cuda.cuda_bindings",
}
"""Libraries of CUDA by NumPy and SciPy, in plain Python."""
EMPTY = "nvmath", "nvmath.bindings", "cuda.bindings"
"""Packages that need not be installed: nothing but stand-ins is taken from them."""
GUARDED = "cupy_backends.cuda.libs", "cupy.cuda"
"""Packages that load NVIDIA's library before the module that needs it, which stand-ins do not."""


class Finder:
    """Finds a stand-in before the module of the wheel."""

    folder: Path

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The stand-in of this name, or None."""
        if name in BUILT:
            return importlib.util.spec_from_file_location(name, cls.folder / BUILT[name])
        if name in WRITTEN:
            return importlib.machinery.ModuleSpec(name, Alias(WRITTEN[name]))
        if name in EMPTY:
            return importlib.machinery.ModuleSpec(name, Empty(), is_package=True)
        if name == "cupy" and os.environ.get("PRETEND_CUDA_SANITIZE"):
            spec = importlib.machinery.PathFinder.find_spec(name, path)
            if spec is not None and spec.origin is not None:
                spec.loader = WithoutPool(name, spec.origin)
            return spec
        if name == "cupy.cuda.cub":
            spec = importlib.machinery.PathFinder.find_spec(name, path)
            if spec is not None and spec.origin is not None:
                spec.loader = WithoutCub(name, spec.origin)
            return spec
        if name in GUARDED:
            spec = importlib.machinery.PathFinder.find_spec(name, path)
            if spec is not None and spec.origin is not None:
                spec.loader = Unguarded(name, spec.origin)
            return spec
        return None


class Alias(importlib.abc.Loader):
    """Gives a module of this package under another name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.name)
        self.own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.own_spec  # the import machinery has put another one there


class Empty(importlib.abc.Loader):
    """Loads a package with nothing in it: the finder knows what comes below."""

    def exec_module(self, module: ModuleType) -> None: ...


class Unguarded(importlib.machinery.SourceFileLoader):
    """Loads a package of CuPy so that it looks for a stand-in before it looks for NVIDIA's library."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        of_the_wheel = module.__getattr__

        def find(name: str) -> object:
            full = f"{module.__name__}.{name}"
            return importlib.import_module(full) if full in BUILT or full in WRITTEN else of_the_wheel(name)

        module.__getattr__ = find  # type: ignore[method-assign]


class WithoutCub(importlib.machinery.ExtensionFileLoader):
    """Loads CuPy's module over CUB, whose kernels are CUDA's: it leaves the work to those that CuPy generates."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        for name in ("cub_reduction", "cub_scan", "cub_histogram"):
            setattr(module, name, lambda *arguments, **named: None)


class WithoutPool(importlib.machinery.SourceFileLoader):
    """Loads CuPy and gives each array a block of its own, so that a sanitizer knows where it ends."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        module.cuda.set_allocator(None)


def install(folder: Path) -> None:
    """Let imports find the stand-ins, whose compiled part is in ``folder``."""
    os.environ.setdefault("CUPY_ACCELERATORS", "")  # CUB's own kernels are CUDA's
    os.environ.setdefault("CUPY_CACHE_DIR", str(cache.folder() / "kernels"))
    ctypes.CDLL(str(folder / "libpretend_cuda.so"), mode=ctypes.RTLD_GLOBAL)
    Finder.folder = folder
    sys.meta_path.insert(0, Finder())
