"""Optimizers on every backend: their formulas, options, groups, state and errors; gradient clipping."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import xpnet as xn
from xpnet import kernels, optimizers
from xpnet.backend import array_namespace, device_of, to_numpy
from xpnet.errors import ArgumentError, DtypeError, LibraryError, NameUnknownError, ShapeError
from xpnet.layers import Affine, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.networks.low_precision import Gradients
from xpnet.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Lion,
    Momentum,
    Nesterov,
    Optimizer,
    RMSprop,
    clip_by_norm,
    clip_by_value,
    global_norm,
    vectors,
)
from xpnet.random import Generator
from xpnet.schedules import Cosine, Plateau

KINDS = [SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW, Lion]
on_every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def numbers(name: str, *shape: int) -> np.ndarray:
    return Generator(0).normal(shape, f"test.{name}")


def host(values) -> dict[str, np.ndarray]:
    return {name: to_numpy(array).copy() for name, array in values.items()}


@pytest.fixture
def params(asarray) -> dict:
    return {"W": asarray(numbers("W", 3, 4)), "b": asarray(numbers("b", 4))}


def gradients(asarray, step: int) -> dict:
    return {"W": asarray(numbers(f"dW{step}", 3, 4)), "b": asarray(numbers(f"db{step}", 4))}


def test_every_optimizer_is_tested_here() -> None:
    exported = {getattr(optimizers, name) for name in optimizers.__all__}
    assert {x for x in exported if isinstance(x, type) and issubclass(x, Optimizer)} == {*KINDS, Optimizer}


# The formulas, as the papers and the book write them


def by_the_book(kind: type, W, gs, lr=0.1, decay=0.0):
    """The parameter after some gradients, in plain NumPy."""
    v = h = m = np.zeros_like(W)
    for t, g in enumerate(gs, 1):
        if kind not in (AdamW, Lion):
            g = g + decay * W
        if kind is SGD:
            W = W - lr * g
        elif kind is Momentum:  # section 6.1.4: the rate is inside v
            v = 0.9 * v - lr * g
            W = W + v
        elif kind is Nesterov:  # the book's rewriting, in which the gradient is taken at W itself
            W = W + 0.9 * 0.9 * v - (1.0 + 0.9) * lr * g
            v = 0.9 * v - lr * g
        elif kind is AdaGrad:
            h = h + g * g
            W = W - lr * g / (np.sqrt(h) + 1e-10)
        elif kind is RMSprop:
            h = 0.99 * h + 0.01 * g * g
            W = W - lr * g / (np.sqrt(h) + 1e-8)
        elif kind is Lion:
            W = W - lr * (np.sign(0.9 * m + 0.1 * g) + decay * W)
            m = 0.99 * m + 0.01 * g
        else:
            W = W * (1.0 - lr * decay) if kind is AdamW else W
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            W = W - lr * (m / (1.0 - 0.9**t)) / (np.sqrt(v / (1.0 - 0.999**t)) + 1e-8)
    return W


@on_every_kind
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_five_steps_are_those_of_the_formula(kind, decay, params, asarray, tolerance) -> None:
    steps = [gradients(asarray, k) for k in range(5)]
    before = host(params)
    optimizer = kind(0.1, weight_decay=decay)
    for grads in steps:
        optimizer.update(params, grads)
    for name, array in params.items():
        expected = by_the_book(kind, before[name], [to_numpy(grads[name]) for grads in steps], decay=decay)
        np.testing.assert_allclose(to_numpy(array), expected, rtol=10 * tolerance, atol=10 * tolerance)


@on_every_kind
def test_a_hundred_steps_are_those_of_the_formula(kind) -> None:
    before, gs = numbers("W", 6), [numbers(f"dW{k}", 6) for k in range(100)]
    params, optimizer = {"W": before.copy()}, kind(0.01, weight_decay=0.1)
    for g in gs:
        optimizer.update(params, {"W": g})
    np.testing.assert_allclose(params["W"], by_the_book(kind, before, gs, 0.01, 0.1), rtol=1e-11, atol=1e-12)


@on_every_kind
def test_library_device_and_dtype_are_kept_and_gradients_left_alone(kind, params, asarray, backend) -> None:
    optimizer, grads = kind(), gradients(asarray, 0)
    before = host(grads)
    optimizer.update(params, grads)
    arrays = [array for name, array in optimizer.state.items() if name != "steps"]
    assert len(arrays) == 2 * len(kind.slots)
    for array in (*params.values(), *arrays):
        assert array_namespace(array) is backend.xp
        assert device_of(array) == backend.device
        assert array.dtype == backend.dtype
    for name, array in grads.items():
        np.testing.assert_array_equal(to_numpy(array), before[name])


@on_every_kind
def test_no_value_is_read_on_the_host(kind, params, asarray, no_host_sync) -> None:
    optimizer, grads = kind(lr=Cosine(0.1, 10), groups={vectors: {"weight_decay": 0.0}}), gradients(asarray, 0)
    with no_host_sync():
        for _ in range(2):
            optimizer.update(params, clip_by_norm(clip_by_value(grads, 0.5), 1.0))


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_network_learns(kind, asarray) -> None:
    x = numbers("x", 40, 4)
    x, t = asarray(x), asarray(np.argmax(x[:, :3], axis=1))
    net = TwoLayerNet(4, 8, 3, weight_init_std=0.5, rng=Generator(0))
    optimizer = kind(0.03 if kind.slots else 0.5)
    before = float(to_numpy(net.loss(x, t)))
    for _ in range(10):
        optimizer.update(net.params, net.gradient(x, t))
    assert float(to_numpy(net.loss(x, t))) < 0.9 * before


# NumPy: in place


@on_every_kind
@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("layout", ["plain", "fortran", "strided", "many", "none", "transposed gradient", "scalar"])
def test_the_numpy_body_is_the_reference_and_writes_in_place(kind, decay, layout, monkeypatch) -> None:
    from xpnet.kernels.numpy import optimizer as bodies

    monkeypatch.setattr(bodies, "PIECE", 16)
    shape = {"many": (9, 11), "none": (0, 3), "scalar": ()}.get(layout, (6, 4))
    make = {"fortran": np.asfortranarray, "strided": lambda a: np.repeat(a, 2, axis=1)[:, ::2]}.get(layout, np.array)
    ours = {"W": make(numbers("W", *shape))}
    theirs = host(ours)
    held = ours["W"]
    one, other = kind(0.1, weight_decay=decay), kind(0.1, weight_decay=decay)
    kernel = getattr(kernels, kind.__name__.lower())
    for step in range(3):
        g = numbers(f"g{step}", *shape)
        one.update(ours, {"W": np.asfortranarray(g) if layout == "transposed gradient" else g})
        with monkeypatch.context() as patch:
            patch.setattr(kernels, kernel.__name__, kernel.reference)
            if kind not in (Adam, AdamW):
                patch.setattr(kind, "step", staticmethod(kernel.reference))
            other.update(theirs, {"W": g})
    assert ours["W"] is held
    assert theirs["W"] is not held
    np.testing.assert_allclose(held, theirs["W"], rtol=1e-13)
    for name, value in one.state.items():
        np.testing.assert_allclose(value, other.state[name], rtol=1e-13)


@on_every_kind
def test_who_holds_the_book_s_array_sees_the_training(kind) -> None:
    W, b = numbers("W", 3, 2), np.zeros(2)
    layer = Affine(W, b)
    before = W.copy()
    kind(0.1).update(layer.params, {"W": np.ones((3, 2)), "b": np.ones(2)})
    assert layer.W is W
    assert not np.array_equal(W, before)


@on_every_kind
def test_an_array_that_cannot_be_written_to_is_replaced(kind) -> None:
    W = np.ones((2, 2))
    W.flags.writeable = False
    params = {"W": W}
    kind(0.1).update(params, {"W": np.ones((2, 2))})
    np.testing.assert_array_equal(W, 1.0)
    assert (params["W"] < 1.0).all()


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam, AdamW], ids=lambda kind: kind.__name__)
def test_a_gradient_may_be_the_parameter_itself(kind) -> None:
    params, W, optimizer = {"W": numbers("W", 3, 3)}, numbers("W", 3, 3), kind(0.1)
    optimizer.update(params, params)
    np.testing.assert_allclose(params["W"], by_the_book(kind, W, [W], decay=optimizer.weight_decay))


def test_a_step_can_be_differentiated() -> None:
    """The references are recordable, and a Variable selects them."""

    def after(g):
        params = {"W": np.asarray([1.0, 2.0])}
        Momentum(0.1).update(params, {"W": g})
        return array_namespace(params["W"]).sum(params["W"])

    np.testing.assert_allclose(xn.grad(after)(np.asarray([0.5, 0.5])), [-0.1, -0.1])


# Options


@on_every_kind
@pytest.mark.parametrize("lr", [0, 0.0, -0.1, float("nan"), float("inf"), True, "0.1", None])
def test_a_bad_learning_rate_is_refused(kind, lr) -> None:
    with pytest.raises(ArgumentError, match=rf"^{kind.__name__}: lr must be above 0 and finite, got "):
        kind(lr)


@pytest.mark.parametrize("bad", [-0.1, 1.0, 1.5, float("nan"), None])
@pytest.mark.parametrize(
    ("kind", "name"),
    [(Momentum, "momentum"), (Nesterov, "momentum"), (RMSprop, "decay_rate"), (Adam, "beta1"), (Lion, "beta2")],
)
def test_a_share_out_of_range_is_refused(kind, name, bad) -> None:
    with pytest.raises(ArgumentError, match=f"^{kind.__name__}: {name} must be from 0 to below 1, got "):
        kind(**{name: bad})


@pytest.mark.parametrize("bad", [0.0, -1e-8, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", [AdaGrad, RMSprop, Adam, AdamW])
def test_a_bad_epsilon_is_refused(kind, bad) -> None:
    with pytest.raises(ArgumentError, match=f"^{kind.__name__}: eps must be above 0 and finite, got "):
        kind(eps=bad)


@on_every_kind
@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf")])
def test_a_bad_weight_decay_is_refused(kind, bad) -> None:
    with pytest.raises(ArgumentError, match=f"^{kind.__name__}: weight_decay must be at least 0 and finite, got "):
        kind(weight_decay=bad)


def test_options_are_attributes_and_hold_from_the_next_update_on() -> None:
    optimizer, params = SGD(0.5), {"W": np.asarray([1.0])}
    optimizer.update(params, {"W": np.asarray([1.0])})
    optimizer.lr = 0.25
    optimizer.update(params, {"W": np.asarray([1.0])})
    assert params["W"].tolist() == [0.25]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("lr", -1.0, "the learning rate must be at least 0 and finite, got -1.0 in step 0; look at the schedule"),
        ("lr", "0.1", "the learning rate must be at least 0 and finite, got '0.1' in step 0;"),
        ("lr", lambda step: None, "the learning rate must be at least 0 and finite, got None in step 0;"),
        ("beta1", 5.0, "beta1 must be from 0 to below 1, got 5.0;"),
        ("weight_decay", "a", "weight_decay must be at least 0 and finite, got 'a';"),
    ],
)
def test_an_option_that_is_set_out_of_range_is_refused_and_moves_nothing(name, value, text) -> None:
    optimizer, params = Adam(), {"W": np.ones(2)}
    setattr(optimizer, name, value)
    with pytest.raises(ArgumentError, match=f"^Adam: {text}"):
        optimizer.update(params, {"W": np.ones(2)})
    assert params["W"].tolist() == [1.0, 1.0]
    assert optimizer.steps == 0


@pytest.mark.parametrize("groups", [["W"], "W", {3: {}}, {"W": 0.1}])
def test_groups_that_are_none_are_refused(groups) -> None:
    with pytest.raises(ArgumentError, match=r"^SGD: groups must map patterns to options, got .*; such as {"):
        SGD(groups=groups)


def test_params_that_are_none_are_refused() -> None:
    with pytest.raises(DtypeError, match=r"SGD: params must map names to arrays, got Sequential; give it net.params"):
        SGD().update(small(), {})


def test_gradients_without_names_are_refused() -> None:
    sgd = SGD()
    sgd.update({"W": np.ones(2)}, {"W": np.ones(2)})
    for optimizer in (sgd, SGD()):
        for grads in (None, [np.ones(2)], np.ones(2)):
            with pytest.raises(DtypeError, match=r"SGD: grads must map names to arrays, got .*; give it net.gradient"):
                optimizer.update({"W": np.ones(2)}, grads)
    for clip in (clip_by_norm, clip_by_value):
        with pytest.raises(DtypeError, match=f"{clip.__name__}: grads must map names to arrays, got ndarray"):
            clip(np.ones(2), 1.0)


def test_another_network_with_the_same_names_is_refused() -> None:
    adam = Adam()
    adam.update({"W": np.ones(2)}, {"W": np.ones(2)})
    with pytest.raises(ShapeError, match=r"Adam: the state m of W must be \(3,\), got \(2,\); make an optimizer"):
        adam.update({"W": np.ones(3)}, {"W": np.ones(3)})
    assert adam.steps == 1


def test_an_optimizer_shows_its_options() -> None:
    assert repr(SGD(0.5)) == "SGD(lr=0.5, weight_decay=0)"
    assert repr(AdamW()) == "AdamW(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.01)"
    assert repr(Momentum(Cosine(0.1, 5), groups={"b": None})) == (
        "Momentum(lr=Cosine(lr=0.1, steps=5, warmup=0, floor=0.0), momentum=0.9, weight_decay=0, groups={'b': None})"
    )


@on_every_kind
def test_numbers_of_numpy_are_numbers(kind, asarray, params) -> None:
    kind(np.float64(0.1), weight_decay=np.float32(0.1)).update(params, gradients(asarray, 0))
    assert all(array.dtype == params["b"].dtype for array in params.values())


def test_a_subclass_is_a_name_and_a_formula(asarray, params) -> None:
    class Averaged(Optimizer):
        """Descent along the running mean of the gradients."""

        slots = ("mean",)

        def __init__(self, lr=0.1, groups=None) -> None:
            super().__init__(groups, lr=lr)

        def step(self, W, dW, mean, lr):
            mean = mean + (dW - mean) / self.steps
            return W - lr * mean, mean

    optimizer, before = Averaged(), host(params)
    for k in range(2):
        optimizer.update(params, gradients(asarray, k))
    first, second = (to_numpy(gradients(asarray, k)["b"]) for k in range(2))
    expected = before["b"] - 0.1 * (first + (first + second) / 2.0)
    np.testing.assert_allclose(to_numpy(params["b"]), expected, rtol=1e-5)
    with pytest.raises(ArgumentError, match="Averaged: lr must be above 0"):
        Averaged(-1.0)


# Schedules in an optimizer


def test_a_schedule_is_asked_with_the_number_of_updates_done() -> None:
    asked = []

    def schedule(step: int) -> float:
        asked.append(step)
        return 1.0 / (step + 1)

    optimizer, params = SGD(schedule), {"W": np.asarray([0.0])}
    for _ in range(3):
        optimizer.update(params, {"W": np.asarray([-6.0])})
    assert asked == [0, 1, 2]
    np.testing.assert_allclose(params["W"], [11.0])
    assert optimizer.steps == 3


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf")])
def test_a_schedule_that_gives_no_rate_is_named(bad: float) -> None:
    params = {"W": np.asarray([1.0])}
    with pytest.raises(ArgumentError, match=r"SGD: the learning rate must be at least 0 and finite, got .* in step 0;"):
        SGD(lambda step: bad).update(params, {"W": np.asarray([1.0])})
    assert params["W"].tolist() == [1.0]


def test_a_rate_of_zero_from_a_schedule_moves_nothing() -> None:
    params = {"W": np.asarray([1.0])}
    SGD(lambda step: 0.0).update(params, {"W": np.asarray([1.0])})
    assert params["W"].tolist() == [1.0]


# Groups


def small() -> Sequential:
    return Sequential(
        Affine.create(3, 4, rng=Generator(0)), Relu(), Affine.create(4, 2, rng=Generator(1)), loss=SoftmaxWithLoss()
    )


def moved(groups, **options) -> dict[str, float]:
    """How far each parameter of a small network goes in one step along a gradient of ones from ones."""
    net = small()
    ones = {name: np.ones_like(array) for name, array in net.params.items()}
    net.params.update({name: array.copy() for name, array in ones.items()})
    SGD(**{"lr": 0.1, **options}, groups=groups).update(net.params, ones)
    return {name: round(float(1.0 - array.flat[0]), 6) for name, array in net.params.items()}


def test_weight_decay_on_weights_alone_is_one_line() -> None:
    expected = {"Affine1.W": 0.15, "Affine1.b": 0.1, "Affine2.W": 0.15, "Affine2.b": 0.1}
    for pattern in ("*.b", vectors):
        assert moved({pattern: {"weight_decay": 0.0}}, weight_decay=0.5) == expected


def test_several_patterns_and_the_later_over_the_earlier() -> None:
    groups = {"Affine1.W *.b": {"lr": 0.2}, "Affine1.*": {"lr": 0.3, "weight_decay": 1.0}, "Affine2.b": {"lr": 0.4}}
    assert moved(groups) == {"Affine1.W": 0.6, "Affine1.b": 0.6, "Affine2.W": 0.1, "Affine2.b": 0.4}
    assert moved({"*": {"lr": 0.2}, "*.b": {"weight_decay": 1.0}})["Affine1.b"] == 0.4
    assert moved({"Affine1.W": {"lr": lambda step: 0.7}})["Affine1.W"] == 0.7


def test_a_group_of_none_is_not_trained() -> None:
    assert moved({"Affine1.*": None}) == {"Affine1.W": 0.0, "Affine1.b": 0.0, "Affine2.W": 0.1, "Affine2.b": 0.1}
    params = {"W": np.asarray([1.0]), "b": np.asarray([1.0])}
    optimizer = Adam(groups={"b": None})
    optimizer.update(params, {"W": np.asarray([1.0])})
    assert set(optimizer.state) == {"steps", "W.m", "W.v"}


@pytest.mark.parametrize("pattern", ["*.bias", "*.b *.gamma", "", lambda name, W: False])
def test_a_pattern_that_matches_nothing_is_an_error(pattern) -> None:
    with pytest.raises(
        ArgumentError, match=r"SGD: a group must match one of Affine1.W, Affine1.b, Affine2.W, Affine2.b, got "
    ):
        moved({pattern: {"lr": 0.2}})


def test_bad_options_of_a_group_are_refused_at_once() -> None:
    with pytest.raises(ArgumentError, match=r"AdamW, group '\*.b': options must be of lr, beta1, .*, got 'wd'"):
        AdamW(groups={"*.b": {"wd": 0.0}})
    with pytest.raises(ArgumentError, match=r"AdamW, group '\*.b': weight_decay must be at least 0"):
        AdamW(groups={"*.b": {"weight_decay": -1.0}})
    with pytest.raises(ArgumentError, match="SGD: the lr of a group must be a number or a function of the step alone"):
        SGD(groups={"*.b": {"lr": Plateau(0.1)}})


# Steps that are left out


def arrays_of(params, optimizer) -> dict[str, np.ndarray]:
    return host(params) | host({name: array for name, array in optimizer.state.items() if "." in name})


@on_every_kind
def test_a_step_over_gradients_that_overflow_is_left_out(kind, params, asarray, no_host_sync, tolerance) -> None:
    ours, theirs = ({name: asarray(to_numpy(array)) for name, array in params.items()} for _ in range(2))
    one, other = (kind(0.1, weight_decay=0.3, groups={"b": {"weight_decay": 0.0}}) for _ in range(2))
    yes, no = asarray(1.0) > 0.0, asarray(1.0) < 0.0
    for step, finite in enumerate((no, no, yes, yes, no, yes)):
        grads, before = gradients(asarray, step), arrays_of(ours, one)
        with no_host_sync():
            one.update(ours, clip_by_value(clip_by_norm(Gradients(grads, finite), 99.0), 99.0))
        if finite is yes:
            other.update(theirs, grads)
            continue
        after = arrays_of(ours, one)
        for name, array in before.items():
            np.testing.assert_array_equal(after[name], array)
    for name, array in ours.items():
        np.testing.assert_allclose(to_numpy(array), to_numpy(theirs[name]), rtol=10 * tolerance, atol=10 * tolerance)
        assert array.dtype == theirs[name].dtype
    assert (one.steps, int(to_numpy(one.state["skipped"]))) == (6, 3)


def test_a_schedule_counts_the_steps_that_are_left_out(params, asarray) -> None:
    asked: list[int] = []
    optimizer = SGD(lambda step: asked.append(step) or 0.1)
    for finite in (asarray(1.0) > 2.0, asarray(1.0) < 2.0):
        optimizer.update(params, Gradients(gradients(asarray, 0), finite))
    assert asked == [0, 1]


# Gradients that do not belong


@pytest.mark.parametrize("kind", [SGD, Adam])
@pytest.mark.parametrize("steps_before", [0, 1])
def test_gradients_that_do_not_belong_are_refused_and_move_nothing(kind, steps_before, params, asarray) -> None:
    optimizer = kind(0.1)
    for _ in range(steps_before):
        optimizer.update(params, gradients(asarray, 0))
    before, grads, who = host(params), gradients(asarray, 1), kind.__name__
    cases = [
        ({"W": grads["W"]}, NameUnknownError, "grads must have the names of params, got b missing; give it net.params"),
        ({**grads, "c": grads["b"]}, NameUnknownError, "grads must have the names of params, got c unknown;"),
        ({"W": grads["W"], "c": grads["b"]}, NameUnknownError, "got b missing, c unknown;"),
        ({}, NameUnknownError, "got W missing, b missing;"),
        ({**grads, "b": grads["W"]}, ShapeError, r"the gradient of b must be \(4,\), got \(3, 4\);"),
        ({**grads, "b": grads["b"][:1]}, ShapeError, r"the gradient of b must be \(4,\), got \(1,\);"),
        ({**grads, "b": None}, DtypeError, "the gradient of b must be an array, got NoneType"),
        ({**grads, "b": 1.0}, DtypeError, "the gradient of b must be an array, got float"),
        (
            {**grads, "b": asarray(np.ones(4, dtype=np.int64))},
            DtypeError,
            "the gradient of b must be real and floating, got int",
        ),
    ]
    for wrong, error, text in cases:
        with pytest.raises(error, match=f"^{who}: .*{text}"):
            optimizer.update(params, wrong)
    assert optimizer.steps == steps_before
    for name, array in params.items():
        np.testing.assert_array_equal(to_numpy(array), before[name])


def test_gradients_of_another_library_are_refused(params, backend) -> None:
    pytest.importorskip("array_api_strict")
    with xn.use_backend("numpy" if backend.name != "numpy" else "array-api-strict") as other:
        grads = {name: other.asarray(to_numpy(array)) for name, array in params.items()}
    with pytest.raises(LibraryError, match="SGD: W and the gradient of W must be on one library"):
        SGD().update(params, grads)


def test_no_parameters_are_refused() -> None:
    with pytest.raises(NameUnknownError, match="SGD: grads must have the names of params, got no parameters"):
        SGD().update({}, {})


def test_parameters_must_be_floating() -> None:
    with pytest.raises(DtypeError, match="Adam: W must be real and floating, got complex128"):
        Adam().update({"W": np.ones(2, dtype=complex)}, {"W": np.ones(2)})


@on_every_kind
def test_a_gradient_of_another_precision_is_cast(kind) -> None:
    params = {"W": np.ones((2, 2), dtype=np.float32)}
    kind().update(params, {"W": np.ones((2, 2))})
    assert params["W"].dtype == np.float32


# State


@on_every_kind
def test_state_is_named_arrays_and_a_count(kind, params, asarray) -> None:
    optimizer = kind()
    assert optimizer.state == {"steps": 0}
    optimizer.update(params, gradients(asarray, 0))
    state = optimizer.state
    assert set(state) == {"steps", *(f"{name}.{slot}" for name in params for slot in kind.slots)}
    assert state["steps"] == 1
    assert all(state[f"W.{slot}"].shape == (3, 4) for slot in kind.slots)


@on_every_kind
def test_state_moves_to_another_optimizer_and_is_copied(kind, params, asarray) -> None:
    one, other = kind(Plateau(0.1)), kind(Plateau(0.2))
    one.update(params, gradients(asarray, 0))
    one.observe(1.0)
    assert one.state["lr.best"] == 1.0
    other.state = one.state
    twin = dict(params) if array_namespace(params["W"]) is not np else {n: a.copy() for n, a in params.items()}
    one.update(params, gradients(asarray, 1))
    other.update(twin, gradients(asarray, 1))
    for name, array in params.items():
        np.testing.assert_array_equal(to_numpy(twin[name]), to_numpy(array))
    assert other.lr.state == one.lr.state
    for name, value in one.state.items():
        if hasattr(value, "shape"):
            assert value is not other.state[name]


@on_every_kind
def test_an_optimizer_can_be_copied_and_pickled(kind) -> None:
    params = {"W": np.ones((2, 2))}
    optimizer = kind(groups={"W": {"weight_decay": 0.1}})
    optimizer.update(params, params)
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert twin.steps == 1
        mine, its = {"W": np.ones((2, 2))}, {"W": np.ones((2, 2))}
        copy.deepcopy(optimizer).update(mine, {"W": np.ones((2, 2))})
        twin.update(its, {"W": np.ones((2, 2))})
        np.testing.assert_array_equal(mine["W"], its["W"])


def test_state_of_another_kind_is_refused() -> None:
    adam = Adam()
    adam.update({"W": np.ones(2)}, {"W": np.ones(2)})
    before = adam.state
    with pytest.raises(
        ArgumentError, match=r"Adam: state must hold steps and the arrays m, v, got a difference in W.h, W.m, W.v"
    ):
        adam.state = {"steps": 1, "W.h": np.ones(2)}
    with pytest.raises(ArgumentError, match=r"got a difference in W.v, steps"):
        adam.state = {"W.m": np.ones(2)}
    with pytest.raises(ArgumentError, match=r"got a difference in steps"):
        adam.state = {"steps": 1.5}
    assert adam.state.keys() == before.keys()


def test_state_of_another_network_is_refused() -> None:
    adam = Adam()
    adam.update({"W": np.ones(2)}, {"W": np.ones(2)})
    with pytest.raises(ShapeError, match=r"Adam: the state m of W must be \(3,\), got \(2,\); make an optimizer"):
        adam.update({"W": np.ones(3), "b": np.ones(3)}, {"W": np.ones(3), "b": np.ones(3)})


# Clipping


def test_clipping_by_norm_keeps_the_direction(asarray, tolerance) -> None:
    grads = {"W": asarray(np.full((2, 2), 3.0)), "b": asarray(np.full((4,), 4.0))}
    assert float(to_numpy(global_norm(grads))) == pytest.approx(10.0, rel=tolerance)
    clipped = clip_by_norm(grads, 1.0)
    assert float(to_numpy(global_norm(clipped))) == pytest.approx(1.0, rel=1e-5)
    np.testing.assert_allclose(to_numpy(clipped["b"]), 0.4, rtol=1e-5)
    for name, array in clip_by_norm(grads, 100.0).items():
        np.testing.assert_array_equal(to_numpy(array), to_numpy(grads[name]))
        assert array.dtype == grads[name].dtype


def test_clipping_by_value(asarray) -> None:
    clipped = clip_by_value({"b": asarray([-3.0, -0.5, 0.0, 0.5, 3.0])}, 1.0)
    assert to_numpy(clipped["b"]).tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]


def test_clipping_of_what_is_not_finite(asarray) -> None:
    nan = {"W": asarray([1.0, np.nan]), "b": asarray([1.0])}
    assert all(np.isnan(to_numpy(array)).all() for array in clip_by_norm(nan, 1.0).values())
    np.testing.assert_array_equal(to_numpy(clip_by_value(nan, 0.5)["W"]), [0.5, np.nan])
    with np.errstate(invalid="ignore"):
        infinite = clip_by_norm({"W": asarray([1.0, np.inf]), "b": asarray([1.0])}, 1.0)
    np.testing.assert_array_equal(to_numpy(infinite["W"]), [0.0, np.nan])
    np.testing.assert_array_equal(to_numpy(infinite["b"]), [0.0])
    assert to_numpy(clip_by_value({"W": asarray([-np.inf, np.inf])}, 2.0)["W"]).tolist() == [-2.0, 2.0]


def test_clipping_of_zeros_and_of_nothing(asarray) -> None:
    np.testing.assert_array_equal(to_numpy(clip_by_norm({"W": asarray([0.0, 0.0])}, 1.0)["W"]), 0.0)
    assert clip_by_norm({}, 1.0) == clip_by_value({}, 1.0) == {}
    with pytest.raises(ArgumentError, match="global_norm: there must be at least one gradient"):
        global_norm({})


@pytest.mark.parametrize("clip", [clip_by_norm, clip_by_value])
def test_a_limit_of_numpy_promotes_nothing(clip, asarray) -> None:
    grads = {"W": asarray([3.0, 4.0])}
    assert clip(grads, np.float64(0.5))["W"].dtype == grads["W"].dtype


@pytest.mark.parametrize("clip", [clip_by_norm, clip_by_value])
@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf"), None, True])
def test_a_bad_limit_is_refused(clip, limit) -> None:
    with pytest.raises(ArgumentError, match=f"^{clip.__name__}: the limit must be above 0 and finite, got "):
        clip({"W": np.ones(2)}, limit)
