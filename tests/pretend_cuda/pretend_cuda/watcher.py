"""Waits for the first import of CuPy, so that a Python that never needs it starts as fast as ever."""

from __future__ import annotations

import importlib.machinery
import os
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


def keep_reports() -> None:
    """Let a sanitizer write to where standard error goes now, whoever captures that later: pytest does."""
    import ctypes

    try:
        write_to = ctypes.CDLL(None).__sanitizer_set_report_fd
    except AttributeError:  # it is not in LD_PRELOAD: no kernel will load
        return
    write_to(ctypes.c_void_p(os.dup(2)))
