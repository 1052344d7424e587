"""``xpnet check``, ``xpnet backends`` and the help."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from command_line import fails_in_one_line, run, run_process

import xpnet as xn
from xpnet.cases import CASES
from xpnet.layers import Relu


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of layers that are checked; another test checks all of them."""
    cases = [
        case for case in CASES if case.name in ("Affine", "Convolution", "LSTM", "Relu", "SoftmaxWithLoss, indices")
    ]
    monkeypatch.setattr(import_module("xpnet.cli.check"), "CASES", cases)
    return len(cases)


def test_check_passes_on_one_backend() -> None:
    result = run("check", "--backend", "numpy")
    assert result.exit_code == 0
    for case in CASES:
        assert case.name in result.stdout
    assert f"{len(CASES)} checks on 1 backend: every gradient is right." in result.stdout


@pytest.mark.usefixtures("few")
def test_check_on_a_device_and_in_float32() -> None:
    pytest.importorskip("array_api_strict")
    result = run("check", "--backend", "array-api-strict", "--device", "device1", "--dtype", "float32")
    assert result.exit_code == 0
    assert "gradient check of every layer (float32)" in " ".join(result.stdout.split())


def test_check_goes_over_every_backend(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    pytest.importorskip("array_api_strict")
    monkeypatch.setattr(import_module("xpnet.cli.check"), "available_backends", lambda: ("numpy", "array-api-strict"))
    result = run("check")
    assert f"{2 * few} checks on 2 backends" in result.stdout


@pytest.mark.parametrize("own_process", [True, False], ids=["in a process of its own", "here, for want of one"])
def test_check_of_a_library_that_compiles(monkeypatch: pytest.MonkeyPatch, own_process: bool) -> None:
    """A wrong layer of this process is not one of the other."""
    pytest.importorskip("jax")
    module, backward = import_module("xpnet.cli.check"), Relu.backward
    monkeypatch.setattr(module, "CASES", [case for case in CASES if case.name == "Relu"])
    monkeypatch.setattr(module, "available_backends", lambda: ("numpy", "jax"))
    monkeypatch.setattr(Relu, "backward", lambda self, dout: 2.0 * backward(self, dout))
    monkeypatch.setenv("PYTHONPATH", str(Path(xn.__file__).parents[1]))
    if not own_process:
        monkeypatch.setattr(sys, "executable", "false")
    result = run("check")
    assert result.exit_code == 1
    assert "on numpy:" in result.stdout
    assert ("on jax:" in result.stdout) is not own_process


@pytest.mark.usefixtures("few")
def test_check_fails_where_a_layer_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    backward = Relu.backward
    monkeypatch.setattr(Relu, "backward", lambda self, dout: 2.0 * backward(self, dout))
    result = run("check", "--backend", "numpy")
    assert result.exit_code == 1
    assert re.search(r"Relu .* fail", result.stdout)
    assert "on numpy:" in result.stdout
    assert "2 times the right one everywhere" in " ".join(result.stdout.split())
    assert "every gradient is right" not in result.stdout


@pytest.mark.usefixtures("few")
def test_check_fails_where_a_gradient_is_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    backward = Relu.backward
    monkeypatch.setattr(Relu, "backward", lambda self, dout: float("nan") * backward(self, dout))
    assert run("check", "--backend", "numpy").exit_code == 1


def test_check_of_an_unknown_backend() -> None:
    fails_in_one_line(run("check", "--backend", "nunpy"), "got 'nunpy'")
    fails_in_one_line(run("check", "--device", "7", "--backend", "numpy"), "device must be")


def test_backends_lists_what_is_ready_and_what_the_others_lack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("backends")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line.startswith((" ", *xn.backend.LIBRARIES)) and line.split()}
    for name in xn.backend.LIBRARIES:
        ready = name in xn.available_backends()
        assert rows[name].rstrip().endswith(" ready")
        assert ("not ready" not in rows[name]) == ready
        if not ready:
            assert re.search(rf"^backend {name}: .*; (pip install|run on|install)", result.stdout, re.MULTILINE)
    assert np.__version__ in rows["numpy"]
    assert " cpu " in rows["numpy"]


def test_backends_imports_none_of_the_libraries_that_it_lists() -> None:
    code = (
        "import sys; from xpnet.cli import main; main(['backends'], standalone_mode=False); "
        "print(sorted({'torch', 'jax', 'cupy', 'numba', 'array_api_strict', 'xpnet.layers'}.intersection(sys.modules)))"
    )
    own = {**os.environ, "PYTHONPATH": str(Path(xn.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_a_library_that_may_have_a_gpu_is_asked_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("array_api_strict")
    backends = import_module("xpnet.cli.backends")
    strict = xn.backend.LIBRARIES["array-api-strict"]
    monkeypatch.setattr(backends, "LIBRARIES", {strict.name: strict})
    monkeypatch.delitem(sys.modules, "array_api_strict")
    monkeypatch.setattr(type(strict), "may_have_gpu", lambda self: True)
    assert "device1" in backends.seen()[strict.name].devices
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert "must not end the process" in backends.seen()[strict.name].lack


def test_backends_tries_them_where_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("xpnet.cli.backends"), "LIBRARIES", {"numpy": xn.backend.LIBRARIES["numpy"]})
    assert np.__array_api_version__ in run("backends", "--try").stdout


def test_the_command_is_also_a_module() -> None:
    done = run_process("--version")
    assert done.returncode == 0
    assert done.stdout.split()[-1] == xn.__version__
    assert "train" in run_process("--help").stdout


def test_help_names_every_option() -> None:
    text = run("train", "-h").stdout
    names = ("dataset", "backend", "device", "dtype", "epochs", "batch-size", "lr", "hidden", "seed", "out")
    for option in (*names, "optimizer", "resume"):
        assert f"--{option} " in text
    assert {"train", "check", "backends"} <= set(run("--help").stdout.split())
