"""Gradients are sent in buckets, while backward goes on, or are held until the last part of a batch."""

import numpy as np
import pytest
from ranks_in_threads import on_ranks, run_ranks
from small_replicas import T, X, arrays_on, small

import xpnet as xn
from xpnet.distributed.buckets import in_buckets
from xpnet.errors import ArgumentError
from xpnet.layers import Affine, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.random import Generator


def test_held_gradients_are_of_all_rows_and_nothing_is_sent_for_them():
    backend = xn.backend.make_backend("numpy", dtype="float64")
    x, t, _ = arrays_on(backend)

    def run(group):
        network = small(noise=0.0)
        rows = group.rows(23)
        x_own, t_own = x[rows], t[rows]
        calls = group.communicator.meeting.calls[group.rank]
        group.gradient(network, x_own, t_own)
        before = len(calls)
        for part in (slice(0, 2), slice(2, 5)):
            assert group.gradient(network, x_own[part], t_own[part], last=False) == {}
        assert len(calls) == before
        return group.gradient(network, x_own[5:], t_own[5:])

    with xn.use_backend(backend):
        expected = small(noise=0.0).gradient(x, t)
    for grads in on_ranks(2, backend, run):
        for name, dW in expected.items():
            np.testing.assert_allclose(grads[name], dW, rtol=1e-10, atol=1e-12)


def test_buckets_start_while_backward_goes_on():
    """The last layers' sums are on their way before the first layers have been asked for theirs."""
    backend = xn.backend.make_backend("numpy", dtype="float64")
    seen = []

    class Noted(Affine):
        def backward(self, dout):
            seen.append("first layer")
            return super().backward(dout)

    def run(group):
        g = Generator(0)
        network = Sequential(Noted.create(6, 8, rng=g), Relu(), Affine.create(8, 4, rng=g), loss=SoftmaxWithLoss())
        send = group.communicator.allreduce
        group.communicator.allreduce = lambda array, wire=None: seen.append(array.size) or send(array, wire)
        return group.gradient(network, X, T)

    on_ranks(1, backend, run)
    assert seen == [2, 4, 32, "first layer", 8, 48]


def test_buckets_of_their_own_are_an_eighth_of_all_gradients():
    for rows, lengths in ((1 << 16, [1 << 17] * 8), (1 << 10, [1 << 14]), (1 << 21, [1 << 21] * 16)):
        arrays = {str(at): np.broadcast_to(np.float32(0.0), (rows,)) for at in range(16)}
        buckets = in_buckets(arrays, None, 2)
        assert [bucket.length for bucket in buckets] == lengths
        assert [name for bucket in buckets for name in bucket.places] == list(reversed(arrays))


def test_gradients_with_a_loss_scale_are_not_held():
    backend = xn.backend.make_backend("numpy", dtype="float32")

    def run(group):
        network = small().compute_in("float16")
        group.gradient(network, *arrays_on(backend)[:2], last=False)

    with pytest.raises(ArgumentError, match="gradients with a loss scale must not be stored"):
        on_ranks(2, backend, run)


def test_ranks_make_the_same_calls_where_one_runs_the_equations():
    """A bucket is started in its turn, whatever else is ready."""
    backend = xn.backend.make_backend("numpy", dtype="float64")

    def run(group):
        network = small(noise=0.0)
        rows = group.rows(23)
        group.replica(network)
        if group.rank:
            with xn.plain():
                return group.gradient(network, X[rows], T[rows])
        return group.gradient(network, X[rows], T[rows])

    (first, second), calls = run_ranks(2, backend, run)
    assert calls[0] == calls[1]
    assert all((dW == second[name]).all() for name, dW in first.items())
