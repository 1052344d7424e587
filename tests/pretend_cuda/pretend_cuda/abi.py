"""Compares the C functions that the stand-ins offer with those of the modules of the wheel: names and types.

A stand-in must offer whatever another module of the wheel imports from C; Cython checks the types when it does.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pretend_cuda import HOME, versions

MODULES = ("cupy_backends.cuda.api.runtime", "cupy_backends.cuda.api.driver", "cupy_backends.cuda.libs.nvrtc")
REPORT = "differences.txt"
"""The name of the file that keeps them beside what was built."""
TESTED = "14.0.1 to 14.2.0"


def refusal(differences: list[str]) -> str | None:
    """One sentence where there are differences."""
    if not differences:
        return None
    return (
        f"CuPy {versions.cupy()} is not what pretend_cuda stands in for ({'; '.join(differences[:3])}"
        f"{', and others' if len(differences) > 3 else ''}): install one of CuPy {TESTED}, with which it is tested"
    )


def differences(built: Path) -> list[str]:
    """What the wheel offers and the stand-ins in ``built`` do not, or with another type: a line for each function."""
    wheel, own = _asked(None), _asked(built)
    for who, said in (("CuPy's own modules", wheel), ("the stand-ins", own)):
        if isinstance(said, str):
            return [f"{who} do not import: {said}"]
    return [
        f"{module}.{name} is {own[module].get(name, 'missing')} for {kind}"
        for module, functions in wheel.items()
        for name, kind in functions.items()
        if own[module].get(name) != kind
    ]


def _asked(built: Path | None) -> Any:
    """The signatures, or an error, by a process of its own: a module of a name can be loaded once in a process."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PRETEND_CUDA", "LD_PRELOAD")}
    environment["PYTHONPATH"] = os.pathsep.join([str(HOME.parent), *filter(None, sys.path)])
    command = [sys.executable, "-m", "pretend_cuda.abi", *([str(built)] if built else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return json.loads(done.stdout) if done.returncode == 0 else (done.stderr.strip().splitlines() or ["killed"])[-1]


def _signatures() -> dict[str, dict[str, str]]:
    """Module -> name -> C type, as Cython writes it into the capsules."""
    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    modules = {name: importlib.import_module(name) for name in MODULES}
    return {
        name: {key: name_of(value).decode() for key, value in module.__pyx_capi__.items()}
        for name, module in modules.items()
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        from pretend_cuda import finder

        finder.install(Path(sys.argv[1]))
    sys.stdout.write(json.dumps(_signatures()))
