"""Libraries that are not ready, and what they lack."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

import xpnet as xn
from xpnet.backend import LIBRARIES, make_backend, missing
from xpnet.errors import BackendError


def test_available_backends_are_those_that_lack_nothing() -> None:
    pytest.importorskip("array_api_strict")
    names = xn.available_backends()
    assert names[0] == "numpy"
    assert "array-api-strict" in names
    assert [name for name in LIBRARIES if not missing(LIBRARIES[name])] == list(names)


def forget(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the library out of this process's memory, and out of the memory of what was tried."""
    monkeypatch.setattr(LIBRARIES[name], "_namespace", None)
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)


def put_on_path(folder: Path, name: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    forget(name, monkeypatch)


def test_a_library_that_is_not_installed_names_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    forget("cupy", monkeypatch)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        BackendError, match=r"^backend cupy: cupy must be installed, got none; pip install 'cupy-cuda13x\[ctk\]'"
    ):
        xn.set_backend("cupy")
    assert "cupy" not in xn.available_backends()
    assert xn.get_backend().name == "numpy"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "def is_available(): return False",
            r"a CUDA device and its driver must be present, got no usable device; run on",
        ),
        ("raise ImportError('libcudart.so.13')", r"cupy must import, got libcudart.so.13; pip install"),
        (
            "def is_available(): return True\ndef ones(*a, **k): raise RuntimeError('nvrtc is missing')",
            r"compiling and cuBLAS must work, got nvrtc is missing; pip install",
        ),
    ],
    ids=["no GPU", "no CUDA libraries", "no compiler"],
)
def test_cupy_that_cannot_compute_names_its_remedy(
    code: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path, "cupy", code, monkeypatch)
    with pytest.raises(BackendError, match=f"^backend cupy: {text}") as raised, xn.use_backend("cupy"):
        pass
    assert "choose the backend numpy" in str(raised.value)
    assert isinstance(raised.value, RuntimeError)
    assert "cupy" not in xn.available_backends()
    sys.modules.pop("cupy", None)


@pytest.mark.parametrize("error", ["ImportError('libtorch.so')", "OSError('libtorch.so')"])
def test_a_library_that_does_not_import_is_missing_and_no_crash(
    error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path, "jax", f"raise {error}", monkeypatch)
    assert "jax" not in xn.available_backends()
    with pytest.raises(BackendError, match=r"^backend jax: .*libtorch.so"):
        make_backend("jax")
