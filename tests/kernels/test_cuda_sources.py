"""Every CUDA source compiles, and its kernels compute what the references do."""

from __future__ import annotations

import numpy as np
import pytest
from cuda_checks import Launches, Nvrtc, arguments_of, fits, nvrtc_path, unwritten
from drawn_arguments import CASES, Draw

import xpnet as xn
from xpnet import kernels
from xpnet.backend import to_numpy
from xpnet.networks import MultiLayerNetExtend, ResNet, SimpleConvNet, TransformerLM, TwoLayerNet
from xpnet.optimizers import SGD, Adam, AdamW, Momentum
from xpnet.optimizers.steps import STEPS
from xpnet.random import Generator

pytestmark = pytest.mark.journey
SOURCES = [
    *(
        "activation",
        "adaptive_pooling",
        "affine",
        "attention",
        "embedding",
        "loss",
        "noise",
        "normalization",
        "numbers",
    ),
    *("optimizer", "pooled_convolution", "pooling", "recurrent", "windows"),
]
COMPILED = (("float16", "sm_75"), ("float32", "sm_90"), ("float64", "sm_90"), ("float16", "sm_100"))
DRAWS = 8
ROUNDING = {"float16": 2e-3, "float32": 2e-6, "float64": 1e-14}
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


@pytest.fixture
def launches(cupy, monkeypatch):
    """The launches from now on; what they write to holds nothing that a kernel means."""
    for name in ("empty", "empty_like"):
        monkeypatch.setattr(cupy, name, unwritten(getattr(cupy, name)))
    return Launches(monkeypatch)


@pytest.fixture(params=ROUNDING)
def dtype(request):
    return request.param


@pytest.mark.skipif(nvrtc_path() is None, reason="nvidia-cuda-nvrtc is not installed")
@pytest.mark.parametrize("file", SOURCES)
def test_nvrtc_compiles_every_source_without_a_message(cupy, file):
    from xpnet.fast.cupy.launch import options, source

    code = source(file)
    for real, architecture in COMPILED:
        assert Nvrtc().compile(code, *options(real), f"-arch={architecture}") == ""
    assert 'no member "w"' in Nvrtc().compile(code.replace("threadIdx.x", "threadIdx.w"), *options("float32"))


def test_every_source_and_every_body_is_in_these_tests(cupy):
    from xpnet.fast.cupy.launch import HOME

    assert sorted(path.stem for path in HOME.glob("*.cu")) == SOURCES
    own = {name for name, kernel in vars(kernels).items() if "cupy" in getattr(kernel, "bodies", {})}
    assert own == set(CASES)


def compared(found, expected, exact, rounding):
    """Values, and the dtypes of the reference run in the dtype itself."""
    found, expected, exact = (value if isinstance(value, tuple) else (value,) for value in (found, expected, exact))
    for a, b, c in zip(found, expected, exact, strict=True):
        if b is None:
            assert a is None
            continue
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(to_numpy(a), c, rtol=10 * rounding, atol=10 * rounding)


def in_float32(values):
    return [v.astype("float32") if isinstance(v, np.ndarray) and v.dtype == "float16" else v for v in values]


def on_device(cupy, value):
    """The same values in the same order in memory."""
    if not isinstance(value, np.ndarray):
        return value
    if value.ndim and value.strides[-1] == 2 * value.itemsize and not value.flags.f_contiguous:
        sparse = cupy.zeros((*value.shape[:-1], 2 * value.shape[-1]), value.dtype)
        sparse[..., ::2] = cupy.asarray(value)
        return sparse[..., ::2]
    return cupy.array(value, order="F" if value.flags.f_contiguous else "C")


IN_PLACE = {"put_rows"}  # kernels that may write into their first argument


@pytest.mark.parametrize("name", CASES)
def test_bodies_compute_what_the_references_do(cupy, launches, dtype, name, monkeypatch):
    from xpnet.fast.cupy import launch

    kernel = getattr(kernels, name)
    for seed in range(DRAWS):
        if seed == DRAWS // 2:  # from here on, a block has more to do than one row
            monkeypatch.setattr(launch, "MOST_BLOCKS", 2)
        host = CASES[name](Draw(seed, dtype))
        given, before = [on_device(cupy, value) for value in host], launches.count
        found = kernel(*given)
        of_all = found if isinstance(found, tuple) else (found,)
        assert all(type(value) is cupy.ndarray for value in of_all if value is not None)
        assert launches.count > before or not any(value.size for value in of_all if value is not None)
        with np.errstate(all="ignore"):
            expected = kernel.reference(*host)
            exact = kernel.reference(*in_float32(host)) if dtype == "float16" else expected
        compared(found, expected, exact, ROUNDING[dtype])
        kept = slice(name in IN_PLACE, None)
        for value, own in zip(given[kept], host[kept], strict=True):
            if isinstance(own, np.ndarray):
                np.testing.assert_array_equal(to_numpy(value), own)


def test_more_parameters_numbers_and_dtypes_than_a_launch_takes_get_several(cupy, launches):
    step = STEPS["cupy"][SGD, SGD.step]

    def given(count, sets, *dtypes):
        return [(cupy.ones(3, dtype), cupy.ones(3, dtype), 0.1, i % sets) for i in range(count) for dtype in dtypes]

    for arguments, wanted in ((given(80, 8, "float32"), 1), (given(81, 8, "float32"), 2), (given(9, 9, "float64"), 2)):
        before = launches.count
        found = step(SGD().step, arguments)
        assert launches.count - before == wanted
        for W, (_, _, rate, decay) in zip(found, arguments, strict=True):
            np.testing.assert_allclose(to_numpy(W), 1 - rate * (1 + decay), rtol=1e-6)
    before = launches.count
    step(SGD().step, given(5, 1, "float16", "float32", "float64"))
    assert launches.count - before == 3


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam, AdamW])
def test_all_parameters_move_in_one_launch(cupy, launches, kind):
    sizes = 1, 1023, 1024, 1025, 0, 2500
    params = {str(n): cupy.ones(size) for n, size in enumerate(sizes)}
    kind(0.1).update(params, {name: cupy.full(W.shape, 0.5) for name, W in params.items()})
    assert launches.count == 1


def test_masks_are_numpy_s_bits(cupy, launches):
    for real in ("float32", "float64"):
        x, rng = np.empty((3, 7), real), Generator(2**63 + 1)
        expected = kernels.dropout_mask.reference(x, rng, "a", 2, 0.75)
        assert to_numpy(kernels.dropout_mask(cupy.asarray(x), rng, "a", 2, 0.75)).tobytes() == expected.tobytes()


def test_an_argument_of_another_type_is_found(cupy, launches):
    from xpnet.fast.cupy.launch import launch_each, options, source

    x, y = cupy.ones(3, "float32"), cupy.empty(3, "float32")
    launch_each("activation", "relu", x.dtype, 3, x, y, 3)
    for wrong in ((x, y, 3.0), (x, y.astype("float64"), 3), (x, cupy.empty(6, "float32")[::2], 3), (x, y)):
        with pytest.raises((AssertionError, ValueError)):
            launch_each("activation", "relu", x.dtype, 3, *wrong)
    assert [fits(kind, 0) for kind, _ in arguments_of(source("activation"), "relu", options("float32"))][:2] == [
        True
    ] * 2


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_train_as_on_numpy(cupy, launches, name):
    make, optimizer = NETWORKS[name]
    draw = np.random.default_rng(0)
    x, t = draw.standard_normal((5, 1, 6, 6)).astype("float32"), draw.integers(0, 3, 5)
    if name == "TransformerLM":
        x, t = draw.integers(0, 5, (5, 4)), draw.integers(0, 5, (5, 4))
    losses, gradients = two_steps(make(Generator(0)), optimizer(), cupy.asarray(x), cupy.asarray(t))
    assert launches.count > 0
    with xn.use_backend("numpy", dtype="float32"):
        expected, exact = two_steps(make(Generator(0)), optimizer(), x, t)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    largest = max(np.abs(gradient).max() for gradient in exact.values())
    for key, gradient in exact.items():
        assert type(gradients[key]) is cupy.ndarray
        np.testing.assert_allclose(to_numpy(gradients[key]), gradient, rtol=1e-5, atol=1e-5 * largest)


def two_steps(net, optimizer, x, t):
    """The losses of two steps of training, and the gradients of the first."""
    (first, gradients), (second, _) = (stepped(net, optimizer, x, t) for _ in range(2))
    return [float(first), float(second)], gradients


def stepped(net, optimizer, x, t):
    loss, gradients = net.loss_and_gradient(x, t)
    optimizer.update(net.params, gradients)
    return loss, dict(gradients)
