"""The machine on which a measurement is made."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from xpnet.tuning import processor


def machine() -> dict[str, str]:
    """Return the processor, cores, memory, system, Python and the date."""
    return {
        "processor": processor().get("model name") or platform.processor() or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }


def memory() -> str:
    if sys.platform != "linux":
        return "unknown"
    found = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"))
    return f"{int(found[1]) / 2**20:.0f} GB" if found else "unknown"


def versions(packages: list[str]) -> dict[str, str]:
    """Return the version of each package that is installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
