"""The machine on which a measurement is made."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def machine() -> dict[str, str]:
    """Return the processor, cores, memory, system, Python and the date."""
    return {
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }


def processor() -> str:
    return _first(r"model name\s*:\s*(.+)", "/proc/cpuinfo") or platform.processor() or platform.machine()


def memory() -> str:
    kilobytes = _first(r"MemTotal:\s*(\d+)", "/proc/meminfo")
    return f"{int(kilobytes) / 2**20:.0f} GB" if kilobytes else "unknown"


def versions(packages: list[str]) -> dict[str, str]:
    """Return the version of each package that is installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _first(pattern: str, file: str) -> str:
    if sys.platform != "linux":
        return ""
    found = re.search(pattern, Path(file).read_text(encoding="utf-8"))
    return found[1].strip() if found else ""
