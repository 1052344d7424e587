"""The compiled bodies: optimizers as their references, and taken only where numba is installed and not switched off."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest
from bodies_on_numpy import bodies_on_numpy
from hypothesis import given
from hypothesis import strategies as st

from xpnet import kernels
from xpnet.fast.numpy.choice import KERNELS, MODULE, status

pytest.importorskip("numba")

OPTIMIZERS = {"sgd": (), "momentum": (0.9,), "adam": (0.9, 0.999, 1e-8), "adamw": (0.9, 0.999, 1e-8)}
TRAINING = """
import sys
import numpy as np
from xpnet import kernels
W, dW = np.ones((2, 3)), np.ones((2, 3))
y = kernels.affine_relu(W, np.ones((3, 2)), np.ones(2))
losses, shares = kernels.softmax_cross_entropy(y, np.asarray([0, 1]))
kernels.adam(W, dW, W.copy(), W.copy(), 0.1, 0.9, 0.99, 1e-8, 0.0, 1)
print(y.tolist(), losses.round(12).tolist(), shares.tolist(), W.round(12).tolist())
"""


def run(code: str, warning: str = "", **environment: str) -> str:
    """What the code prints; it must warn once so, or not at all."""
    environment = {**os.environ, **environment}
    command = [sys.executable, "-W", "default" if warning else "error", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not warning or done.stderr.count(f"UserWarning: {warning}\n") == 1, done.stderr
    return done.stdout


def test_each_kernel_that_is_named_has_a_body_of_numpy_and_a_compiled_one():
    assert set(MODULE) == set(KERNELS["optimizer"]) | {name for names in KERNELS.values() for name in names}
    for name in MODULE:
        kernel = getattr(kernels, name)
        assert len(bodies_on_numpy(kernel)) == 2
    assert {name for name in kernels.__all__ if "numba" in getattr(getattr(kernels, name), "bodies", ())} == set(MODULE)


def test_the_status_says_whether_they_are_taken_and_why_not(monkeypatch):
    assert status() == f"numba {version('numba')}"
    monkeypatch.setenv("XPNET_FAST", "0")
    assert status() == "off, XPNET_FAST=0"
    code = "from xpnet.fast.numpy.choice import status; print(status())"
    why = "NUMBA_DISABLE_JIT is set, and the loops would run in Python"
    assert run(code, XPNET_FAST="1", NUMBA_DISABLE_JIT="1") == f"off, numba does not work here: {why}\n"


@pytest.mark.parametrize("name", OPTIMIZERS)
@given(
    shape=st.lists(st.sampled_from((0, 1, 3, 40)), max_size=3).map(tuple),
    dtypes=st.tuples(*[st.sampled_from(("float32", "float32", "float64"))] * 2),
    decay=st.sampled_from((0.0, 0.1)),
    layouts=st.tuples(*[st.sampled_from(("C", "C", "F", "read-only"))] * 4),
    value=st.sampled_from((0.5, 0.0, np.inf, np.nan)),
    seed=st.integers(0, 99),
)
def test_optimizers(name, shape, dtypes, decay, layouts, value, seed):
    rng, kernel = np.random.default_rng(seed), getattr(kernels, name)
    slots = {"sgd": 0, "momentum": 1}.get(name, 2)
    arrays = [np.asarray(rng.random(shape)).astype(dtypes[k == 1]) for k in range(2 + slots)]
    arrays[1].reshape(-1)[:1] = value
    arrays = [np.array(a, order="F") if layout == "F" else a for a, layout in zip(arrays, layouts, strict=False)]
    options = (0.1, *OPTIMIZERS[name], decay, 3) if slots == 2 else (0.1, *OPTIMIZERS[name], decay)
    with np.errstate(all="ignore"):
        expected = kernel.reference(*arrays, *options)
        for body in bodies_on_numpy(kernel):
            own = [a.copy(order="K") for a in arrays]
            for a, layout in zip(own, layouts, strict=False):
                a.flags.writeable = layout != "read-only"
            kept = own[1].copy()
            found = body(*own, *options)
            np.testing.assert_array_equal(own[1], kept)
            for a, b in zip(found if slots else [found], expected if slots else [expected], strict=True):
                assert (a.dtype, a.shape) == (b.dtype, b.shape)
                tolerance = 1e-5 if "float32" in dtypes else 1e-13
                np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
            if all(layout == "C" for layout in layouts) and dtypes[0] == dtypes[1]:
                assert (found[0] if slots else found) is own[0]


def test_the_step_may_be_an_array():
    arrays = [np.full(3, 2.0) for _ in range(4)]
    expected = kernels.adam.reference(*arrays, 0.1, 0.9, 0.99, 1e-8, 0.0, 3)
    for body in bodies_on_numpy(kernels.adam):
        found = body(*[a.copy() for a in arrays], 0.1, 0.9, 0.99, 1e-8, 0.0, np.asarray(3.0))
        np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("name", ["relu", "relu_backward"])
@pytest.mark.parametrize("shape", [(5000,), (3, 50, 50)])
def test_relu_of_many_values(name, shape):
    x = np.random.default_rng(0).standard_normal(shape)
    x.reshape(-1)[:6] = np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-320
    kernel = getattr(kernels, name)
    arrays = (x,) if name == "relu" else (np.flip(x).copy(), x)
    with np.errstate(all="ignore"):
        for body in bodies_on_numpy(kernel):
            np.testing.assert_array_equal(body(*arrays), kernel.reference(*arrays))


@pytest.mark.parametrize("swapped", [np.dtype(">f4"), np.dtype("<f4")])
def test_arrays_of_another_byte_order(swapped):
    b = np.asarray([1.0, -2.0]).astype(swapped)
    for body in bodies_on_numpy(kernels.affine_relu):
        np.testing.assert_array_equal(body(np.ones((2, 1), "f4"), np.ones((1, 2), "f4"), b), [[2.0, 0.0]] * 2)


def test_arrays_that_are_not_aligned():
    x = np.frombuffer(bytearray(17), dtype="f4", offset=1, count=4).reshape(2, 2)
    x[...] = [[0.0, 0.0], [1.0, 1.0]]
    for body in bodies_on_numpy(kernels.softmax_cross_entropy):
        np.testing.assert_allclose(body(x, np.asarray([0, 1]))[0], np.log([2.0, 2.0]), rtol=1e-6)


def test_the_compiled_bodies_are_taken():
    code = TRAINING + "print('numba' in sys.modules, 'numba' in kernels.adam.bodies)"
    *_, last = run(code, XPNET_FAST="").splitlines()
    assert last == "True True"


def test_numba_waits_for_a_kernel_that_gains():
    code = "import sys, numpy as np, xpnet.layers; from xpnet import kernels; kernels.sigmoid(np.ones(3))"
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
    code = before.format(folder=tmp_path) + TRAINING + "print('numba' in kernels.adam.bodies)"
    found = run(code, WARNING.format(got) if got else "", **environment)
    assert found.endswith("False\n")
    assert found.splitlines()[:-1] == run(TRAINING).splitlines()


def test_what_is_compiled_is_kept_in_files_where_that_can_be(tmp_path):
    can, cannot = tmp_path / "can", tmp_path / "cannot"
    kept = run(TRAINING, NUMBA_CACHE_DIR=str(can))
    assert list(can.rglob("*.nbc"))
    nowhere = "from numba.core import caching; caching.CacheImpl._locator_classes = []\n"
    assert run(nowhere + TRAINING, NUMBA_CACHE_DIR=str(cannot)) == kept
    assert not cannot.exists()
