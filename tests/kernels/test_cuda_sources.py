"""Every CUDA source compiles, and its kernels compute on a CPU what the references do."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from cuda_on_cpu import COMPILER, Nvrtc, nvrtc_path, pretend_cupy

import xpnet
from xpnet import kernels
from xpnet.kernels.standard.windows import Window
from xpnet.random import Generator

pytestmark = pytest.mark.journey
SOURCES = sorted((Path(xpnet.__file__).parent / "kernels" / "cupy").glob("*.cu"))
on_a_cpu = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler is here")
rng = np.random.default_rng(0)


@pytest.mark.skipif(nvrtc_path() is None, reason="nvidia-cuda-nvrtc is not installed")
@pytest.mark.parametrize("real", ["float", "double"])
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_nvrtc_compiles_every_source_without_a_message(path, real):
    code = (path.parent / "reduce.cuh").read_text() + path.read_text()
    for architecture in ("sm_75", "sm_90"):
        assert Nvrtc().compile(code, f"-DREAL={real}", f"-arch={architecture}", "--std=c++17") == ""
    broken = code.replace("threadIdx.x;", "threadIdx.w;", 1)
    assert 'no member "w"' in Nvrtc().compile(broken, f"-DREAL={real}")


@pytest.fixture(scope="module")
def cupy():
    """A stand-in for cupy, whose arrays are NumPy's and whose kernels run on the CPU."""
    before = {name: sys.modules.pop(name, None) for name in list(sys.modules) if name.split(".")[0] == "cupy"}
    yield pretend_cupy()
    for name in [name for name in sys.modules if name == "cupy" or name.startswith("xpnet.kernels.cupy")]:
        del sys.modules[name]
    sys.modules.update({name: module for name, module in before.items() if module is not None})
    for kernel in vars(kernels).values():
        getattr(kernel, "bodies", {}).pop("cupy", None)


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


W22, W33 = Window((2, 2), (2, 2)), Window((3, 2), (2, 1), (1, 1))
WIDE = Window((2, 3), (2, 1), (2, 1), (2, 1))
WINNERS = rng.integers(0, 4, (2, 3, 3, 2)).astype(np.uint8)
WINNERS_33 = rng.integers(0, 6, (1, 1, 3, 6)).astype(np.uint8)
LABELS = np.asarray([0, 2, 2, 6, 1])


class Drawn(tuple):
    """The shape of an array of normal numbers."""


def x(*shape: int) -> Drawn:
    return Drawn(shape)


CASES = {
    "relu": [(x(5, 7),)],
    "relu_backward": [(x(5, 7), x(5, 7))],
    "sigmoid": [(x(5, 7),), (x(0, 3),)],
    "softmax": [(x(5, 7),), (x(3, 70),)],
    "softmax_cross_entropy": [(x(5, 7), LABELS), (x(5, 7), LABELS - 1), (x(1, 40), LABELS[:1].astype(np.int32))],
    "softmax_cross_entropy_backward": [(x(5, 7), LABELS)],
    "layer_norm": [(x(3, 4, 10), x(10), x(10), 1e-5), (x(2, 40), x(40), x(40), 1e-5)],
    "layer_norm_backward": [(x(3, 4, 10), x(3, 4, 10), x(3, 4, 1), x(10)), (x(40, 3), x(40, 3), x(40, 1), x(3))],
    "dropout_mask": [(x(5, 7), Generator(3), "Dropout1", 2, 0.75), (x(8), Generator(2**63 + 1), "a", 0, 0.5)],
    "max_pooling": [(x(2, 3, 6, 4), W22), (x(2, 1, 5, 5), W33)],
    "max_pooling_backward": [(x(2, 3, 3, 2), WINNERS, (6, 4), W22), (x(1, 1, 3, 6), WINNERS_33, (5, 5), W33)],
    "convolution": [
        (x(2, 3, 5, 6), x(4, 3, 2, 3), x(4), WIDE, 1),
        (x(2, 1, 4, 4), x(2, 1, 3, 3), None, Window((3, 3)), 1),
    ],
    "convolution_dx": [(x(2, 4, 4, 6), x(4, 3, 2, 3), (5, 6), WIDE, 1)],
    "convolution_dw": [(x(2, 4, 4, 6), x(2, 3, 5, 6), WIDE, 1)],
}


def arguments(case, dtype, make):
    draw = np.random.default_rng(0)
    values = [draw.standard_normal(value).astype(dtype) if type(value) is Drawn else value for value in case]
    return [make(value) if isinstance(value, np.ndarray) else value for value in values]


@on_a_cpu
@pytest.mark.parametrize(
    ("name", "case"),
    [(name, case) for name, cases in CASES.items() for case in cases],
    ids=lambda value: str(value)[:40],
)
def test_bodies_compute_what_the_references_do(cupy, dtype, name, case):
    kernel = getattr(kernels, name)
    found = kernel(*arguments(case, dtype, cupy.asarray))
    assert kernel.bodies.keys() >= {"cupy"}
    expected = kernel.reference(*arguments(case, dtype, np.asarray))
    found, expected = (value if isinstance(value, tuple) else (value,) for value in (found, expected))
    rounding = 2e-6 if dtype == "float32" else 1e-14
    for a, b in zip(found, expected, strict=True):
        assert type(a) is cupy.ndarray
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(np.asarray(a), b, rtol=10 * rounding, atol=10 * rounding)
