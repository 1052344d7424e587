"""Compiled bodies are taken only where numba is installed and not switched off, and change nothing but rounding."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from xpnet.fast.choice import status

pytest.importorskip("numba")

TRAINING = """
import numpy as np
from xpnet.networks import TwoLayerNet
from xpnet.optimizers import Adam
from xpnet.random import Generator
net, optimizer = TwoLayerNet(6, 5, 3, weight_init_std=0.5, rng=Generator(0)), Adam()
x, t = np.linspace(-1.0, 1.0, 24, dtype=net.params["W1"].dtype).reshape(4, 6), np.asarray([0, 2, 1, 1])
for _ in range(2):
    loss, gradients = net.loss_and_gradient(x, t)
    optimizer.update(net.params, gradients)
print(round(float(loss), 5), *[round(float(W.sum()), 5) for W in net.params.values()])
print(net.plan())
"""


def run(code: str, warning: str = "", **environment: str) -> str:
    """What the code prints; it must warn once so, or not at all."""
    environment = {**os.environ, **environment}
    command = [sys.executable, "-W", "default" if warning else "error", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not warning or done.stderr.count(f"UserWarning: {warning}\n") == 1, done.stderr
    return done.stdout


def numbers(printed: str) -> str:
    """The line of the loss and of the parameters."""
    return printed.splitlines()[0]


def test_the_status_says_whether_they_are_taken_and_why_not(monkeypatch):
    assert status() == f"numba {version('numba')}"
    monkeypatch.setenv("XPNET_FAST", "0")
    assert status() == "off, XPNET_FAST=0"
    code = "from xpnet.fast.choice import status; print(status())"
    why = "NUMBA_DISABLE_JIT is set, and the loops would run in Python"
    assert run(code, XPNET_FAST="1", NUMBA_DISABLE_JIT="1") == f"off, numba does not work here: {why}\n"


def test_the_compiled_bodies_are_taken():
    found = run(TRAINING + "import sys; print('numba' in sys.modules)", XPNET_FAST="")
    assert found.count("numba.") == 3
    assert found.endswith("True\n")


def test_numba_waits_for_a_plan():
    code = "import sys, numpy as np; from xpnet.layers import Sigmoid; Sigmoid()(np.ones(3))"
    assert run(code + "; print('numba' in sys.modules)").strip() == "False"


BROKEN = "import sys; sys.path.insert(0, '{folder}')"
WITHOUT = {
    "switched off": ("", "", {"XPNET_FAST": "0"}),
    "not installed": ("import sys; sys.modules['numba'] = None", "", {}),
    "not compiling": ("", "NUMBA_DISABLE_JIT is set, and the loops would run in Python", {"NUMBA_DISABLE_JIT": "1"}),
    "broken": (BROKEN, "Numba needs another NumPy", {}),
    "broken and switched off": (BROKEN, "", {"XPNET_FAST": "0"}),
}
WARNING = (
    "xpnet: numba must work, got {}; install one that fits this NumPy, or set XPNET_FAST=0 to do without its speed"
)


@pytest.mark.parametrize("why", WITHOUT)
def test_without_numba_everything_gives_the_same_and_a_broken_one_is_told_once(why, tmp_path):
    (tmp_path / "numba.py").write_text("raise ImportError('Numba needs another NumPy')")
    before, got, environment = WITHOUT[why]
    found = run(before.format(folder=tmp_path) + TRAINING, WARNING.format(got) if got else "", **environment)
    assert "numba." not in found
    assert numbers(found) == numbers(run(TRAINING))


def test_what_is_compiled_is_kept_in_files_where_that_can_be(tmp_path):
    can, cannot = tmp_path / "can", tmp_path / "cannot"
    kept = run(TRAINING, NUMBA_CACHE_DIR=str(can))
    assert list(can.rglob("*.nbc"))
    nowhere = "from numba.core import caching; caching.CacheImpl._locator_classes = []\n"
    assert run(nowhere + TRAINING, NUMBA_CACHE_DIR=str(cannot)) == kept
    assert not cannot.exists()
