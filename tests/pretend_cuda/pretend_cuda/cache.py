"""Where everything that is compiled stays: outside of the source tree, made once, by one process of many."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from pretend_cuda import PretendCudaError


def folder() -> Path:
    """``PRETEND_CUDA_CACHE``, or ``pretend_cuda`` among the user's caches."""
    own = os.environ.get("PRETEND_CUDA_CACHE")
    users = os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else (Path(users) if users else Path.home() / ".cache") / "pretend_cuda"


def refusal() -> str | None:
    """Why nothing can be written into the cache, or None."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder()):
            return None
    except OSError as error:
        remedy = "set PRETEND_CUDA_CACHE to a folder that this user can write to"
        return f"the cache {folder()} cannot be written to ({error.strerror}): {remedy}"


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder ``name`` of the cache; where it is not there, one process lets ``make`` fill it, while others wait."""
    target = folder() / name
    if target.exists():
        return target
    reason = refusal()
    if reason:
        raise PretendCudaError(reason)
    with Path(f"{target}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            unfinished = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=folder()))
            try:
                make(unfinished)
                unfinished.chmod(0o755)
                unfinished.rename(target)
            except OSError:
                if not target.exists():  # on a disk where locks do not hold, somebody else has been faster
                    raise
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
    return target
