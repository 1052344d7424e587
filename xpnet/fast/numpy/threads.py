"""Work shared over threads, each with one thread of BLAS: they share all of it, and not the products alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

Part = TypeVar("Part")


@cache
def blas() -> list[Any]:
    """Return the controllers of the BLAS libraries in this process, NumPy's first."""
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return sorted(found, key=lambda one: "numpy" not in one.filepath)


@cache
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="xpnet")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.cache_clear)  # a child has none of its threads


def threads() -> int:
    """Return the number of threads that BLAS may use."""
    controllers = blas()
    return int(controllers[0].num_threads) if controllers else 1


def shared(work: Callable[[Part], Any], parts: Sequence[Part]) -> None:
    """Run ``work`` on each part, in as many threads as BLAS has; with fewer parts than that, one after another."""
    count = threads()
    if count < 2 or len(parts) < count:
        for part in parts:
            work(part)
        return
    own = blas()[0]
    rest = iter(parts)

    def run() -> None:
        for part in rest:  # each thread takes the next one; taking it is one step of the interpreter
            work(part)

    own.set_num_threads(1)
    try:
        others = [pool().submit(copy_context().run, run) for _ in range(count - 1)]
        try:
            run()
        finally:
            for other in others:
                other.result()
    finally:
        own.set_num_threads(count)
