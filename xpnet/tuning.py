"""``tune`` changes settings that make NumPy fast on a CPU, on request, and can undo them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

SWITCH = "XPNET_TUNE"
MALLOC = "malloc"
CORE = "OPENBLAS_CORETYPE"
WAIT = "OPENBLAS_THREAD_TIMEOUT"
SHORT = "20"  # OpenBLAS waits for 2 to this power of ticks; for 2 to the power of 26 if it is told nothing

# The parameters of mallopt, as malloc.h numbers them: M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD.
KEPT = {-3: 32 << 20, -1: 1 << 30, -2: 16 << 20}
DEFAULTS = {-3: 128 << 10, -1: 128 << 10, -2: 0}
ADAPTED_TO = (32 << 20) - (1 << 16)  # bytes; to the release of a larger block glibc does not adapt
OWN = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_")

AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
BELOW = {"Prescott", "Core2", "Nehalem", "Sandybridge", "Haswell", "Barcelona", "Bulldozer", "Excavator", "Zen"}
KNOWN = {("GenuineIntel", "6"), ("AuthenticAMD", "25")}  # vendor and family of those in which OpenBLAS looks for it

_active: set[str] = set()


@dataclass(frozen=True)
class Setting:
    """The outcome of one setting, and the reason; ``undo`` reverses it if this call has set it."""

    name: str
    done: bool
    why: str
    undo: Callable[[], None] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.name:<{len(WAIT)}}  {'set' if self.done else 'not set'}: {self.why}"


class Tuning:
    """The outcome of ``tune``. It prints as a list; ``undo()`` or the end of a ``with`` block reverses it.

    >>> with xn.tune() as tuning:
    ...     print(tuning)
    malloc ...
    OPENBLAS_CORETYPE ...
    OPENBLAS_THREAD_TIMEOUT ...
    """

    def __init__(self, *settings: Setting) -> None:
        self.settings = settings

    def undo(self) -> None:
        """Undo the settings of this call; those of an earlier call stay."""
        for setting in self.settings:
            if setting.undo is not None:
                setting.undo()
                _active.discard(setting.name)
        self.settings = tuple(Setting(one.name, False, "taken back") if one.undo else one for one in self.settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()

    def __repr__(self) -> str:
        return "\n".join(map(str, self.settings))


def tune() -> Tuning:
    """Change settings that make NumPy fast, best before anything imports it: ``import xpnet as xn; print(xn.tune())``.

    - ``malloc``: glibc returns the memory of large arrays as soon as they are free, and the temporaries of the next
      step fault their pages in again. With larger thresholds the process keeps up to 1 GiB of memory once used; without
      ``tune`` it keeps up to 64 MB, as after the release of a large array.
    - ``OPENBLAS_CORETYPE``: OpenBLAS treats processors that it does not know, such as AMD's Zen 5, as if they had no
      AVX-512, and multiplies at half their speed. For such a processor the variable names the core SkylakeX.
    - ``OPENBLAS_THREAD_TIMEOUT``: the threads of OpenBLAS wait for the next product in a loop, for some 26 ms, and take
      time from the threads that share the work of compiled layers. With 20 they wait for 0.4 ms, and then sleep.

    OpenBLAS reads its variables once, when numpy is loaded.

    Values that are already set in the environment are kept, other systems are left alone, and ``XPNET_TUNE=0`` disables
    it all, also what is kept without ``tune``. The result tells what was set, and why something was not. Its ``undo()``
    removes the variables and restores glibc's defaults, which from then on no longer adapt to the program; what numpy
    was loaded with stays.

    >>> tuning = xn.tune()
    >>> print(tuning)  # doctest: +ELLIPSIS
    malloc ...
    OPENBLAS_CORETYPE ...
    OPENBLAS_THREAD_TIMEOUT ...
    >>> tuning.undo()
    """
    if os.environ.get(SWITCH) == "0":
        return Tuning(*(Setting(name, False, f"{SWITCH}=0") for name in (MALLOC, CORE, WAIT)))
    return Tuning(_tune_malloc(), _tune_core(), _tune_wait())


def keep_freed_arrays() -> None:
    """Release one block of 32 MB that nothing was written to, from which glibc learns to keep freed memory.

    It adapts to the largest block that a program has released, and from then on serves blocks up to this size from
    memory that was freed before; up to twice as much stays with the process. Without it the arrays of a few MB that
    each step of a training or derivative makes and frees are returned to the system, and their pages faulted in again.
    Other C libraries do not care. ``XPNET_TUNE=0`` leaves it out.
    """
    if os.environ.get(SWITCH) != "0":
        from numpy import empty

        empty(ADAPTED_TO, dtype="uint8")


def _tune_malloc() -> Setting:
    if MALLOC in _active:
        return Setting(MALLOC, True, "by an earlier call")
    for name, text in os.environ.items():
        if name in OWN or (name == "GLIBC_TUNABLES" and "glibc.malloc" in text):
            return Setting(MALLOC, False, f"{name} has its own")
    mallopt = _mallopt()
    if mallopt is None:
        return Setting(MALLOC, False, "the C library is not glibc")
    for parameter, value in KEPT.items():
        mallopt(parameter, value)
    _active.add(MALLOC)
    return Setting(MALLOC, True, "freed memory is kept for the arrays to come", lambda: _restore(mallopt))


def _mallopt() -> Callable[[int, int], int] | None:
    """Return the function of glibc, or None if the process runs on another library."""
    if sys.platform != "linux":  # Emscripten says that its C library is glibc
        return None
    try:
        glibc = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):  # there is no such library or function
        return None
    if not glibc:
        return None
    from ctypes import CDLL

    found: Any = CDLL(None).mallopt
    return found if callable(found) else None


def _restore(mallopt: Callable[[int, int], int]) -> None:
    for parameter, value in DEFAULTS.items():
        mallopt(parameter, value)


def _tune_core() -> Setting:
    core, why = missed_core(processor())
    return _tune_openblas(CORE, core, f"since {why}" if core else why)


def _tune_wait() -> Setting:
    if sys.platform != "linux":
        return _tune_openblas(WAIT, "", "its threads are known to wait so on Linux only")
    return _tune_openblas(WAIT, SHORT, "its threads wait for the next product for 0.4 ms instead of 26")


def _tune_openblas(name: str, value: str, why: str) -> Setting:
    """Set a variable that OpenBLAS reads when numpy is loaded, unless the value is empty, for which ``why`` tells."""
    there = os.environ.get(name)
    if there:
        return Setting(name, name in _active, f"{there}, by an earlier call" if name in _active else f"it is {there}")
    if not value:
        return Setting(name, False, why)
    if "numpy" in sys.modules:
        return Setting(name, False, f"numpy was loaded first; start with {name}={value}, or call tune() before it")
    os.environ[name] = value
    _active.add(name)
    return Setting(name, True, f"{value}, {why}", lambda: _remove(name, value))


def _remove(name: str, value: str) -> None:
    if os.environ.get(name) == value:
        del os.environ[name]


def missed_core(cpu: dict[str, str]) -> tuple[str, str]:
    """Return the core of OpenBLAS that a processor could run and is not given, or an empty text; and the reason."""
    if not cpu:
        return "", "the features of the processor are known only on Linux on x86-64"
    if not has_avx512(cpu):
        return "", "the processor has no AVX-512"
    if (cpu.get("vendor_id"), cpu.get("cpu family")) in KNOWN:
        return "", "OpenBLAS knows the processor"
    return "SkylakeX", "OpenBLAS does not know that the processor has AVX-512"


def advice(core: str) -> str:
    """Return advice on the core with which numpy has been loaded, or an empty text."""
    if CORE in _active:
        return f"A program that imports numpy before it calls xpnet.tune() needs {CORE}={os.environ[CORE]} set outside."
    if core in BELOW and has_avx512(processor()):
        return f"The processor has AVX-512, which the core {core} does not use: start with {CORE}=SkylakeX."
    return ""


def has_avx512(cpu: dict[str, str]) -> bool:
    """Return whether all of AVX-512 is there that OpenBLAS needs for its core SkylakeX."""
    return set(cpu.get("flags", "").split()) >= AVX512


def processor(file: str = "/proc/cpuinfo") -> dict[str, str]:
    """Return Linux's description of the first core, ``vendor_id``, ``cpu family``, ``flags`` and more, or {}."""
    try:
        first, _, _ = Path(file).read_text(encoding="utf-8").partition("\n\n")
    except OSError:
        return {}
    lines = (line.partition(":") for line in first.splitlines())
    found = {name.strip(): value.strip() for name, _, value in lines}
    return found if "flags" in found else {}
