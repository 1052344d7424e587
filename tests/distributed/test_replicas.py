"""Ranks that share the rows of each batch come to what one process comes to by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ranks_in_threads import on_ranks
from small_replicas import NETWORKS, T, X, arrays_on, check_alike, small, trained

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.distributed import synchronized
from xpnet.distributed.group import share_of
from xpnet.errors import ArgumentError, StateError
from xpnet.layers import Affine, SoftmaxWithLoss
from xpnet.networks import Sequential, TransformerLM
from xpnet.optimizers import SGD
from xpnet.random import Generator


@pytest.mark.parametrize("dtype", ["float64"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_ranks_give_the_parameters_of_one(backend, kind):
    rate = 0.01 if kind == "sum" else 0.3

    def run(group):
        network = NETWORKS[kind]()
        return network, trained(network, SGD(rate), arrays_on(backend), group)

    alone = NETWORKS[kind]()
    losses = trained(alone, SGD(rate), arrays_on(backend))
    for size in (1, 3):
        check_alike(on_ranks(size, backend, run), alone, losses, 1e-9)


@pytest.mark.parametrize("dtype", ["float64"])
def test_rows_count_by_their_weights(backend):
    def run(group):
        network = small()
        return network, trained(network, SGD(0.3), arrays_on(backend), group, weights=True)

    alone = small()
    losses = trained(alone, SGD(0.3), arrays_on(backend), weights=True)
    check_alike(on_ranks(2, backend, run), alone, losses, 1e-9)


def test_ranks_skip_together_what_overflows_on_one():
    backend = xn.backend.make_backend("numpy", dtype="float32")

    def run(group):
        network = small(noise=0.0).compute_in("float16")
        x, t, _ = arrays_on(backend)
        x = x * (1e4 if group.rank == 1 else 1.0)
        optimizer = SGD(0.1)
        before = {name: W.copy() for name, W in network.params.items()}
        grads = group.gradient(network, x, t)
        optimizer.update(network.params, grads)
        moved = any((before[name] != W).any() for name, W in network.params.items())
        return bool(grads.finite), moved, float(network.precision.loss_scale), optimizer.skipped

    alone = small(noise=0.0).compute_in("float16")
    assert on_ranks(2, backend, run) == [(False, False, 0.5 * float(alone.precision.loss_scale), 1)] * 2


@pytest.mark.parametrize("dtype", ["float64"])
def test_synchronized_statistics_are_those_of_all_rows(backend):
    """Also where the ranks have other numbers of rows, and the loss gives them other shares."""
    network = small(norm=True, noise=0.0)
    x, t, w = arrays_on(backend)
    loss, grads = network.loss_and_gradient(x, t, w)

    def run(group):
        own = synchronized(small(norm=True, noise=0.0))
        rows = slice(0, 5) if group.rank == 0 else slice(5, 23)
        return own, *group.loss_and_gradient(own, x[rows, ...], t[rows], w[rows])

    for own, found, gradients in on_ranks(2, backend, run):
        assert float(to_numpy(found)) == pytest.approx(float(to_numpy(loss)), rel=1e-9)
        for name, dW in grads.items():
            np.testing.assert_allclose(to_numpy(gradients[name]), to_numpy(dW), rtol=1e-9, atol=1e-12)
        for name, value in network.states.items():
            np.testing.assert_allclose(to_numpy(own.states[name]), to_numpy(value), rtol=1e-9)


def test_all_begin_with_the_arrays_of_the_first():
    backend = xn.backend.make_backend("numpy", dtype="float64")

    def run(group):
        network = small(norm=True)
        for name in network.params:
            network.params[name] = network.params[name] + group.rank
        network.states["BatchNormalization1.running_mean"] = np.full(8, float(group.rank))
        group.gradient(network, X, T)
        return network

    first, second = on_ranks(2, backend, run)
    assert all((second.params[name] == W).all() for name, W in first.params.items())


def test_a_network_is_its_own_again_when_the_group_ends():
    backend = xn.backend.make_backend("numpy", dtype="float64")

    def run(group):
        network = small(noise=0.0)
        group.gradient(network, X[group.rows(23)], T[group.rows(23)])
        return network, network.gradient(X, T)  # by itself, on each rank

    with xn.use_backend(backend):
        expected = small(noise=0.0).gradient(X, T)
    for network, inside in on_ranks(2, backend, run):
        for grads in (inside, network.gradient(X, T)):
            for name, dW in expected.items():
                np.testing.assert_array_equal(grads[name], dW)


def test_a_language_model_with_dropout_over_many_axes():
    backend = xn.backend.make_backend("numpy", dtype="float64")
    symbols = np.random.default_rng(1).integers(0, 11, (7, 5))

    def run(group=None):
        network = TransformerLM(11, 5, 8, 2, 2, dropout_ratio=0.2, rng=Generator(4))
        optimizer = SGD(0.3)
        for _ in range(4):
            rows = slice(None) if group is None else group.rows(7)
            x, t = symbols[rows], (3 * symbols[rows] + 1) % 11
            grads = network.gradient(x, t) if group is None else group.gradient(network, x, t)
            optimizer.update(network.params, grads)
        return network

    with xn.use_backend(backend):
        alone = run()
    for network in on_ranks(3, backend, run):
        for name, W in alone.params.items():
            np.testing.assert_allclose(network.params[name], W, rtol=1e-9, atol=1e-11)


def test_another_network_on_a_rank_is_told():
    backend = xn.backend.make_backend("numpy", dtype="float64")

    def run(group):
        g = Generator(0)
        hidden = 8 + group.rank
        network = Sequential(Affine.create(6, hidden, rng=g), Affine.create(hidden, 4, rng=g), loss=SoftmaxWithLoss())
        group.gradient(network, X, T)

    with pytest.raises(StateError, match=r"same shape and dtype of Affine1.W, got \(6, 9\) float64 on rank 1"):
        on_ranks(2, backend, run)


def test_a_batch_must_have_a_row_for_each_rank():
    backend = xn.backend.make_backend("numpy", dtype="float64")
    with pytest.raises(ArgumentError, match="a batch must have a row for each of 3 ranks, got 2 rows"):
        on_ranks(3, backend, lambda group: group.rows(2))


@given(st.integers(1, 200), st.integers(1, 9))
def test_shares_are_all_rows_in_order(n, size):
    shares = [share_of(n, rank, size) for rank in range(size)]
    assert [row for first, count in shares for row in range(first, first + count)] == list(range(n))
    counts = [count for _, count in shares]
    assert max(counts) - min(counts) <= 1
