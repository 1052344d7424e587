"""Waits for the first import of CuPy, so that a Python that never needs it starts as fast as ever."""

from __future__ import annotations

import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType

import pretend_cuda


class Watcher:
    """Stands in ``sys.meta_path`` until CuPy is asked for, and then installs the stand-ins."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find nothing itself: whoever comes after it does.

        Raises:
            PretendCudaError: where the pretended CUDA lacks something; CuPy is not imported without what was asked for.
        """
        if name not in ("cupy", "cupyx", "cupy_backends"):
            return None
        pretend_cuda.install()
        from pretend_cuda.finder import Finder

        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]
        return Finder.find_spec(name, path, target)
