"""The driver of a GPU, as far as it shows without any library."""

from __future__ import annotations

import os
import sys


def has_gpu_driver() -> bool:
    """Return whether the system may have a GPU for computing: on Linux whether a driver of NVIDIA or AMD is there."""
    places = ("/dev/nvidiactl", "/proc/driver/nvidia", "/dev/dxg", "/dev/kfd")
    return not sys.platform.startswith("linux") or any(map(os.path.exists, places))
