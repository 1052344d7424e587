"""Every CUDA source compiles, and its kernels compute on a CPU what the references do."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from cuda_on_cpu import COMPILER, Nvrtc, RawKernel, nvrtc_path, pretend_cupy
from drawn_arguments import CASES, Draw

import xpnet as xn
from xpnet import kernels
from xpnet.networks import MultiLayerNetExtend, ResNet, SimpleConvNet, TransformerLM, TwoLayerNet
from xpnet.optimizers import SGD, Adam, AdamW, Momentum
from xpnet.random import Generator

pytestmark = pytest.mark.journey
on_a_cpu = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler is here")
SOURCES = [
    *("activation", "affine", "attention", "embedding", "joint", "loss", "noise", "normalization", "numbers"),
    *("optimizer", "pooling", "windows"),
]
DRAWS = 8
ROUNDING = {"float16": 2e-3, "float32": 2e-6, "float64": 1e-14}
STEPS = {
    "sgd": (0, [(0.1, 0.0), (1, 0.01)]),
    "momentum": (1, [(0.1, 0.9, 0.0), (0.1, 0.9, 0.01)]),
    "nesterov": (1, [(0.1, 0.9, 0.0), (0.1, 0.9, 0.01)]),
    "adagrad": (1, [(0.1, 1e-7, 0.0), (0.1, 1e-7, 0.01)]),
    "rmsprop": (1, [(0.1, 0.9, 1e-7, 0.0), (0.1, 0.9, 1e-7, 0.01)]),
    "adam": (2, [(0.1, 0.9, 0.999, 1e-8, 0.0, 1), (0.1, 0.9, 0.999, 1e-8, 0.01, 7)]),
    "adamw": (2, [(0.1, 0.9, 0.999, 1e-8, 0.0, 1), (0.1, 0.9, 0.999, 1e-8, 0.01, 7)]),
    "lion": (1, [(0.1, 0.9, 0.99, 0.0), (0.1, 0.9, 0.99, 0.01)]),
}
CONV = {"filter_num": 2, "filter_size": 3, "pad": 1, "stride": 1}
EVERYTHING = {"weight_decay_lambda": 0.1, "use_batchnorm": True, "use_dropout": True}
LM = {"hidden": 3, "dropout_ratio": 0.5, "tied": True}
NETWORKS = {
    "TwoLayerNet": (lambda rng: TwoLayerNet(36, 5, 3, weight_init_std=0.5, rng=rng), SGD),
    "MultiLayerNetExtend": (lambda rng: MultiLayerNetExtend(36, [5, 4], 3, **EVERYTHING, rng=rng), Adam),
    "SimpleConvNet": (lambda rng: SimpleConvNet((1, 6, 6), CONV, 4, 3, weight_init_std=0.5, rng=rng), Adam),
    "ResNet": (lambda rng: ResNet((1, 6, 6), channels=(2, 3), output_size=3, rng=rng), Momentum),
    "TransformerLM": (lambda rng: TransformerLM(5, 4, 4, 2, 2, **LM, rng=rng), AdamW),
}


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


@pytest.fixture(params=ROUNDING)
def dtype(request):
    return request.param


@pytest.mark.skipif(nvrtc_path() is None, reason="nvidia-cuda-nvrtc is not installed")
@pytest.mark.parametrize("file", SOURCES)
def test_nvrtc_compiles_every_source_without_a_message(cupy, file):
    from xpnet.kernels.cupy.launch import options, source

    code = source(file)
    for real, architecture in (("float16", "sm_90"), ("float32", "sm_75"), ("float64", "sm_90")):
        assert Nvrtc().compile(code, *options(real), f"-arch={architecture}") == ""
    assert 'no member "w"' in Nvrtc().compile(code.replace("threadIdx.x", "threadIdx.w", 1), *options("float32"))


def test_every_source_and_every_body_is_in_these_tests(cupy):
    from xpnet.kernels.cupy.launch import HOME

    assert sorted(path.stem for path in HOME.glob("*.cu")) == SOURCES
    assert {name for name, kernel in vars(kernels).items() if "cupy" in getattr(kernel, "bodies", {})} == {
        *CASES,
        *STEPS,
    }


def compared(found, expected, exact, rounding):
    """Values, and the dtypes of the reference run in the dtype itself."""
    found, expected, exact = (value if isinstance(value, tuple) else (value,) for value in (found, expected, exact))
    for a, b, c in zip(found, expected, exact, strict=True):
        if b is None:
            assert a is None
            continue
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(np.asarray(a), c, rtol=10 * rounding, atol=10 * rounding)


def in_float32(values):
    return [v.astype("float32") if isinstance(v, np.ndarray) and v.dtype == "float16" else v for v in values]


@on_a_cpu
@pytest.mark.parametrize("name", CASES)
def test_bodies_compute_what_the_references_do(cupy, dtype, name, monkeypatch):
    from xpnet.kernels.cupy import launch

    kernel = getattr(kernels, name)
    for seed in range(DRAWS):
        if seed == DRAWS // 2:  # from here on, a block has more to do than one row
            monkeypatch.setattr(launch, "MOST_BLOCKS", 2)
        given = CASES[name](Draw(seed, dtype))
        kept = [value.copy() if isinstance(value, np.ndarray) else value for value in given]
        launched = RawKernel.launched
        found = kernel(*(value.view(cupy.ndarray) if isinstance(value, np.ndarray) else value for value in given))
        of_all = found if isinstance(found, tuple) else (found,)
        assert all(type(value) is cupy.ndarray for value in of_all if value is not None)
        assert RawKernel.launched > launched or not any(value.size for value in of_all if value is not None)
        with np.errstate(all="ignore"):
            expected = kernel.reference(*given)
            exact = kernel.reference(*in_float32(given)) if dtype == "float16" else expected
        compared(found, expected, exact, ROUNDING[dtype])
        for value, before in zip(given, kept, strict=True):
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(value, before)


@on_a_cpu
@pytest.mark.parametrize("name", STEPS)
def test_steps_are_the_references_in_place(cupy, dtype, name):
    kernel, (slots, options) = getattr(kernels, name), STEPS[name]
    for seed, numbers in enumerate(options):
        draw = Draw(seed, dtype)
        W, dW, *held = (np.ascontiguousarray(draw.array(3, 100)) for _ in range(2 + slots))
        dW = draw.laid_out(dW)
        held = [abs(array) for array in held]
        expected = kernel.reference(W, dW, *held, *numbers)
        exact = kernel.reference(*in_float32((W, dW, *held)), *numbers) if dtype == "float16" else expected
        given = [array.view(cupy.ndarray) for array in (W, dW, *held)]
        found = kernel(*given, *numbers)
        compared(found, expected, exact, ROUNDING[dtype])
        own = [given[0], *given[2:]]
        assert all(a is b for a, b in zip(found if slots else (found,), own, strict=True))


@on_a_cpu
def test_a_count_of_steps_on_the_device_is_not_read(cupy):
    arrays = [np.full(5, value).view(cupy.ndarray) for value in (1.0, 2.0, 3.0, 4.0)]
    numbers, launched = (0.1, 0.9, 0.999, 1e-8, 0.0), RawKernel.launched
    found = kernels.adam(*arrays, *numbers, np.asarray(3.0))
    assert RawKernel.launched == launched
    for a, b in zip(found, kernels.adam(*arrays, *numbers, 3), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@on_a_cpu
def test_masks_are_numpy_s_bits(cupy):
    for real in ("float32", "float64"):
        x, rng = np.empty((3, 7), real).view(cupy.ndarray), Generator(2**63 + 1)
        expected = kernels.dropout_mask.reference(np.asarray(x), rng, "a", 2, 0.75)
        assert kernels.dropout_mask(x, rng, "a", 2, 0.75).tobytes() == expected.tobytes()


@on_a_cpu
def test_a_kernel_that_waits_for_threads_that_have_ended_is_found(cupy):
    from xpnet.kernels.cupy.launch import options, source

    code = source("embedding").replace("__syncthreads_or(here)", "here && __syncthreads_or(here)")
    g, y = np.ones((40, 3), "float32"), np.empty((2, 3), "float32")
    kernel = RawKernel(code, "scatter_add", options("float32"))
    with pytest.raises(AssertionError, match="scatter_add hangs"):
        kernel((2,), (64,), (g, np.arange(40), y, 40, 2, 3))


@on_a_cpu
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_train_as_on_numpy(cupy, name):
    make, optimizer = NETWORKS[name]
    draw = np.random.default_rng(0)
    x, t = draw.standard_normal((5, 1, 6, 6)).astype("float32"), draw.integers(0, 3, 5)
    if name == "TransformerLM":
        x, t = draw.integers(0, 5, (5, 4)), draw.integers(0, 5, (5, 4))
    with xn.use_backend("numpy", dtype="float32"):
        (losses, gradients), (expected, exact) = (
            two_steps(make(Generator(0)), optimizer(), x, t, kind) for kind in (cupy.ndarray, np.ndarray)
        )
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    largest = max(np.abs(gradient).max() for gradient in exact.values())
    for key, gradient in exact.items():
        assert type(gradients[key]) is cupy.ndarray
        np.testing.assert_allclose(np.asarray(gradients[key]), gradient, rtol=1e-5, atol=1e-5 * largest)


def two_steps(net, optimizer, x, t, kind):
    """The losses of two steps of training, and the gradients of the first, on arrays of a kind."""
    for values in (net.params, net.states):
        for name, value in list(values.items()):
            if isinstance(value, np.ndarray):
                values[name] = np.ascontiguousarray(value).view(kind)
    (first, gradients), (second, _) = (stepped(net, optimizer, x.view(kind), t.view(kind)) for _ in range(2))
    return [float(first), float(second)], gradients


def stepped(net, optimizer, x, t):
    loss, gradients = net.loss_and_gradient(x, t)
    optimizer.update(net.params, gradients)
    return loss, dict(gradients)
