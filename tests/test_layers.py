"""Contracts that every layer keeps on every backend, over the table of cases."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet import layers
from xpnet.backend import array_namespace, device_of, is_array, to_numpy
from xpnet.cases import CASES, Case
from xpnet.errors import DtypeError, ShapeError

on_every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
BATCHED = [case for case in CASES if case.inputs[0].ndim > 1 and "broadcast" not in case.name]


def in_a_tuple(dx) -> tuple:
    return () if dx is None else dx if isinstance(dx, tuple) else (dx,)


def on_host(value):
    return to_numpy(value) if is_array(value) else value


def upstream(y, seed: int = 0):
    return np.random.default_rng(seed).normal(size=tuple(y.shape))


def gradients(layer, dout) -> list[np.ndarray]:
    return [to_numpy(g) for g in (*in_a_tuple(layer.backward(dout)), *layer.grads.values())]


def test_every_layer_has_a_case():
    exported = {getattr(layers, name) for name in layers.__all__} - {layers.Layer}
    assert exported == {case.layer for case in CASES}


@on_every_case
def test_output_is_the_oracle_s(case, asarray, tolerance):
    layer, inputs = case.build(asarray)
    np.testing.assert_allclose(to_numpy(layer(*inputs)), case.expected(), rtol=tolerance, atol=tolerance)


@on_every_case
def test_backward_agrees_with_numerical_differentiation(case, asarray):
    layer, inputs = case.build(asarray)
    xn.gradient_check(layer, *inputs).raise_if_failed()


def traced(case: Case, asarray) -> tuple:
    """The layer, its inputs with Variables where it differentiates, and those Variables."""
    layer, inputs = case.build(asarray)
    arguments = [
        xn.Variable(x, name=name) if name in layer.differentiable else x
        for name, x in zip(layer.inputs, inputs, strict=False)
    ]
    return layer, arguments, [x for x in arguments if isinstance(x, xn.Variable)]


@on_every_case
def test_backward_agrees_with_the_graph_of_forward(case, asarray, tolerance, defer_to_variables):
    layer, inputs = case.build(asarray)
    dout = asarray(upstream(layer(*inputs)))
    expected = gradients(layer, dout)
    layer, arguments, variables = traced(case, asarray)
    parameters = {name: xn.Variable(array) for name, array in layer.params.items()}
    with layer.using(parameters):
        layer.forward(*arguments).backward(dout)
    found = [to_numpy(variable.grad) for variable in (*variables, *parameters.values())]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=10 * tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("case", [c for c in CASES if not c.layer.is_container], ids=lambda case: case.name)
def test_a_layer_called_in_a_graph_is_one_node_with_its_own_backward(case, asarray, tolerance, defer_to_variables):
    layer, inputs = case.build(asarray)
    dout = asarray(upstream(layer(*inputs)))
    expected = gradients(layer, dout)
    layer, arguments, variables = traced(case, asarray)
    trained = {name: xn.Variable(array) for name, array in layer.params.items()}
    with layer.using(trained):
        y = layer(*arguments)
        assert y.node.name == type(layer).__name__
        y.backward(dout)
    found = [to_numpy(variable.grad) for variable in (*variables, *trained.values())]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@on_every_case
def test_two_calls_in_one_graph_keep_both_and_sum_their_gradients(case, asarray, tolerance, defer_to_variables):
    layer, inputs = case.build(asarray)
    dout = asarray(upstream(layer(*inputs)))
    layer, inputs = case.build(asarray)
    separate = []
    for _ in range(2):
        layer(*inputs)
        separate.append(gradients(layer, dout))
    layer, arguments, variables = traced(case, asarray)
    trained = {name: xn.Variable(array) for name, array in layer.params.items()}
    with layer.using(trained):
        (layer(*arguments) + layer(*arguments)).backward(dout)
    found = [to_numpy(variable.grad) for variable in (*variables, *trained.values())]
    for first, second, both in zip(*separate, found, strict=True):
        np.testing.assert_allclose(both, first + second, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("case", [c for c in CASES if c.layer.parameters], ids=lambda case: case.name)
def test_one_parameter_alone_may_be_a_variable(case, asarray, tolerance, defer_to_variables):
    layer, inputs = case.build(asarray)
    dout = asarray(upstream(layer(*inputs)))
    layer.backward(dout)
    expected = {name: to_numpy(gradient) for name, gradient in layer.grads.items()}
    for name in layer.params:
        layer, inputs = case.build(asarray)
        variable = xn.Variable(layer.params[name])
        with layer.using({name: variable}):
            layer.forward(*inputs).backward(dout)
        found = to_numpy(variable.grad)
        np.testing.assert_allclose(found, expected[name], rtol=10 * tolerance, atol=10 * tolerance)


@on_every_case
def test_nothing_is_written_to(case, asarray):
    layer, inputs = case.build(asarray)
    before = [to_numpy(a).copy() for a in (*inputs, *layer.params.values())]
    dout = asarray(upstream(layer(*inputs)))
    gradients(layer, dout)
    for array, value in zip((*inputs, *layer.params.values()), before, strict=True):
        np.testing.assert_array_equal(to_numpy(array), value)
    np.testing.assert_array_equal(to_numpy(dout), to_numpy(asarray(upstream(dout))))


@on_every_case
def test_library_device_and_dtype_are_kept(case, asarray, backend):
    layer, inputs = case.build(asarray)
    y = layer(*inputs)
    dx = layer.backward(asarray(upstream(y)))
    for array in (y, *in_a_tuple(dx), *layer.grads.values()):
        assert array_namespace(array) is array_namespace(*inputs)
        assert device_of(array) == backend.device
        assert array.dtype == backend.dtype


@on_every_case
def test_gradients_have_the_shapes_of_what_they_belong_to(case, asarray):
    layer, inputs = case.build(asarray)
    y = layer(*inputs)
    dx = layer.backward(asarray(upstream(y)))
    found = in_a_tuple(dx)
    given = [name for name in layer.differentiable if layer.inputs.index(name) < len(inputs)]
    assert len(found) == len(layer.differentiable)
    for name, gradient in zip(given, found, strict=False):
        assert gradient.shape == inputs[layer.inputs.index(name)].shape
    assert {name: g.shape for name, g in layer.grads.items()} == {n: p.shape for n, p in layer.params.items()}


@on_every_case
def test_backward_is_linear_in_dout(case, asarray, tolerance):
    layer, inputs = case.build(asarray)
    dout = upstream(layer(*inputs))
    once, twice = gradients(layer, asarray(dout)), gradients(layer, asarray(2.0 * dout))
    for a, b in zip(once, twice, strict=True):
        np.testing.assert_allclose(2.0 * a, b, rtol=tolerance, atol=tolerance)


@on_every_case
def test_a_number_as_dout_stands_for_that_number_everywhere(case, asarray, tolerance):
    layer, inputs = case.build(asarray)
    expected = gradients(layer, asarray(np.full(layer(*inputs).shape, 3.0)))
    for number in (3, np.float64(3.0)):
        for a, b in zip(gradients(layer, number), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=tolerance)  # a mean divides a number, or an array
            assert a.dtype == b.dtype


@on_every_case
def test_a_second_forward_does_not_change_what_the_first_returned(case, asarray):
    layer, inputs = case.build(asarray)
    y = layer(*inputs)
    dx = layer.backward(asarray(upstream(y)))
    kept = [to_numpy(a).copy() for a in (y, *in_a_tuple(dx), *layer.grads.values())]
    arrays = (y, *in_a_tuple(dx), *layer.grads.values())
    other = [x if to_numpy(x).dtype.kind in "iub" else asarray(to_numpy(x) * 0.5 + 1.0) for x in inputs]
    layer.backward(asarray(upstream(layer(*other), seed=1)))
    for array, value in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(to_numpy(array), value)


@on_every_case
def test_no_value_is_read_on_the_host(case, asarray, no_host_sync):
    layer, inputs = case.build(asarray)
    y = layer(*inputs)
    dout = asarray(upstream(y))
    with no_host_sync():
        layer(*inputs)
        layer.backward(dout)
        layer.backward(1.0)


@on_every_case
def test_predict_gives_the_output_and_keeps_nothing(case, asarray, tolerance):
    layer, inputs = case.build(asarray)
    before, states = set(vars(layer)), dict(layer.states)
    y = layer.predict(*inputs)
    assert set(vars(layer)) == before
    assert all(layer.states[name] is value for name, value in states.items())
    np.testing.assert_allclose(to_numpy(y), case.expected_of_predict(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("case", BATCHED, ids=lambda case: case.name)
def test_an_empty_batch_works_or_is_refused_by_name(case, asarray):
    layer, _ = case.build(asarray)
    batch = case.inputs[0].shape[0]
    empty = [asarray(x[:0] if x.shape[:1] == (batch,) else x) for x in case.inputs]
    if case.needs_samples:
        with pytest.raises(ShapeError, match=r"x must hold at least one sample, got \(0,"):
            layer(*empty)
        return
    y = layer(*empty)
    dx = layer.backward(asarray(np.zeros(y.shape)))
    assert y.shape[0] == 0
    assert all(found.shape[0] == 0 for found in in_a_tuple(dx)[:1])
    assert all(not to_numpy(gradient).any() for gradient in layer.grads.values())


FLOATING = [case for case in CASES if case.layer.differentiable[:1] == case.layer.inputs[:1]]


@pytest.mark.parametrize("case", FLOATING, ids=lambda case: case.name)
def test_integers_are_refused_and_the_cast_is_named(case, asarray):
    layer, inputs = case.build(asarray)
    wrong = [asarray(np.ones(inputs[0].shape, dtype=np.int64)), *inputs[1:]]
    with pytest.raises(
        DtypeError, match=rf"^\w+: {case.layer.inputs[0]} must be floating, got int.*cast it with xn.asarray\("
    ):
        layer(*wrong)


@on_every_case
def test_another_shape_of_dout_is_refused(case, asarray):
    layer, inputs = case.build(asarray)
    y = layer(*inputs)
    with pytest.raises(ShapeError, match=r"dout must be .* the shape of forward's output"):
        layer.backward(asarray(np.ones((*y.shape, 2))))


@pytest.mark.parametrize("case", [c for c in CASES if c.layer.holomorphic], ids=lambda case: case.name)
def test_holomorphic_layers_pass_the_complex_step(case, asarray):
    layer, inputs = case.build(asarray)
    report = xn.gradient_check(layer, *inputs, mode="complex", tolerance=1e-12)
    report.raise_if_failed()


def test_inputs_may_be_named(asarray):
    layer = layers.Affine(asarray(np.eye(2)), asarray(np.zeros(2)))
    x = asarray(np.ones((3, 2)))
    np.testing.assert_array_equal(to_numpy(layer(x=x)), to_numpy(layer(x)))
    assert isinstance(layer(x=xn.Variable(x)), xn.Variable)
    with pytest.raises(ValueError, match=r"Affine: forward must be given x, got 0 values, z"):
        layer(z=x)


@on_every_case
def test_parameters_and_state_come_back_from_disk(case, asarray, tmp_path):
    layer, inputs = case.build(asarray)
    layer(*inputs)
    xn.save(tmp_path / "layer.safetensors", layer)
    again, _ = case.build(asarray)
    xn.load(tmp_path / "layer.safetensors", again)
    for name, value in (*layer.params.items(), *layer.states.items()):
        found = again.params[name] if name in layer.params else again.states[name]
        np.testing.assert_array_equal(on_host(found), on_host(value))
