"""``python -m pretend_cuda``: what is lacking here; with arguments, Python on the pretended CUDA."""

from __future__ import annotations

import argparse
import os
import sys

import pretend_cuda
from pretend_cuda import cache


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m pretend_cuda",
        usage="%(prog)s [-h] [--devices N] [--lazy] [--sanitize] [arguments of Python, such as -m pytest]",
        description="Run Python on the pretended CUDA; without arguments for it, say whether it works here.",
    )
    parser.add_argument("--devices", type=int, default=1, help="how many devices there are")
    parser.add_argument("--lazy", action="store_true", help="streams do nothing before somebody waits for them")
    parser.add_argument("--sanitize", action="store_true", help="AddressSanitizer watches what kernels read and write")
    own, python = _split(sys.argv[1:])
    asked = parser.parse_args(own)
    lacks = pretend_cuda.lacks()
    if lacks:
        sys.exit(f"pretend_cuda: {lacks}")
    if not python:
        sys.stdout.write(f"CuPy can run here on a pretended CUDA device; what is compiled stays in {cache.folder()}\n")
        return
    given = pretend_cuda.environment(devices=asked.devices, lazy=asked.lazy, sanitize=asked.sanitize)
    os.execve(sys.executable, [sys.executable, *python], {**os.environ, **given})


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The options that come first, and what is Python's."""
    end = 0
    while end < len(arguments) and arguments[end] in ("-h", "--help", "--devices", "--lazy", "--sanitize"):
        end += 2 if arguments[end] == "--devices" else 1
    return arguments[:end], arguments[end:]


if __name__ == "__main__":
    main()
