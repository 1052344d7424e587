"""Ranks that share the rows of each batch come to what one process comes to by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ranks_in_threads import on_ranks, run_ranks

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.distributed import synchronized
from xpnet.distributed.buckets import in_buckets
from xpnet.distributed.group import share_of
from xpnet.errors import ArgumentError, StateError
from xpnet.layers import Affine, BatchNormalization, Dropout, Gelu, Relu, Residual, SoftmaxWithLoss
from xpnet.networks import MultiLayerNet, Network, Sequential, TransformerLM
from xpnet.optimizers import SGD, AdamW, clip_by_norm, global_norm
from xpnet.random import Generator

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(23, 6)), RNG.integers(0, 4, 23)
SIZES = (23, 9, 5, 23)  # batches that do not divide


def small(loss=None, norm=False, noise=0.3):
    g = Generator(2)
    layers = [Affine.create(6, 8, rng=g), Relu(), *([BatchNormalization.create(8)] if norm else [])]
    layers += [Residual(Affine.create(8, 8, rng=g), Gelu(), Dropout(noise, g)), Affine.create(8, 4, rng=g)]
    return Sequential(*layers, loss=loss or SoftmaxWithLoss())


class Tied(Network):
    """A network with a forward of its own, whose gradients come all at once from the tape."""

    def __init__(self):
        g = Generator(2)
        super().__init__({"a": Affine.create(6, 4, rng=g), "b": Affine.create(4, 4, rng=g)}, loss=SoftmaxWithLoss())

    def forward(self, x):
        a, b = self.layers.values()
        return b(b(a(x)))


NETWORKS = {
    "mean": small,
    "sum": lambda: small(SoftmaxWithLoss(reduction="sum")),
    "ignored": lambda: small(SoftmaxWithLoss(ignore_index=1)),
    "synchronized": lambda: synchronized(small(norm=True)),
    "penalized": lambda: MultiLayerNet(6, [8, 8], 4, weight_decay_lambda=0.2, rng=Generator(2)),
    "own forward": Tied,
}


def trained(network, optimizer, arrays, group=None, weights=False, steps=8):
    """The losses of some steps by one process, or by the ranks of a group on their rows."""
    x, t, w = arrays
    losses = []
    for step in range(steps):
        rows = slice(0, SIZES[step % len(SIZES)])
        if group is not None:
            rows = group.rows(rows.stop)
        given = (x[rows, ...], t[rows], *([w[rows]] if weights else []))
        run = network.loss_and_gradient if group is None else lambda *a: group.loss_and_gradient(network, *a)
        loss, grads = run(*given)
        optimizer.update(network.params, clip_by_norm(grads, 0.8))
        losses.append(float(to_numpy(loss)))
    return losses


def arrays_on(backend):
    return backend.asarray(X), backend.asarray(T), backend.asarray(np.linspace(0.0, 1.0, 23))


def check_alike(found, expected, losses, tolerance):
    for network, own in found:
        np.testing.assert_allclose(own, losses, rtol=tolerance, atol=tolerance)
        for name, W in expected.params.items():
            np.testing.assert_allclose(to_numpy(network.params[name]), to_numpy(W), rtol=tolerance, atol=tolerance)
            assert to_numpy(network.params[name]).tobytes() == to_numpy(found[0][0].params[name]).tobytes()


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


@pytest.mark.parametrize("dtype", ["float64"])
@pytest.mark.parametrize("stage", [1, 2])
def test_a_sharded_optimizer_is_the_whole_one(backend, stage):
    """Groups by name, and by a function that looks at the axes; the state as one optimizer has it, in slices."""
    groups = {"Affine*.W": {"weight_decay": 0.0}, lambda name, W: W.ndim < 2: {"lr": 0.01}}
    optimizer = AdamW(0.02, weight_decay=0.3, groups=groups)
    alone = small()
    losses = trained(alone, optimizer, arrays_on(backend))

    def run(group):
        network = small()
        sharded = group.sharded(AdamW(0.02, weight_decay=0.3, groups=groups), network, stage)
        own = trained(network, sharded, arrays_on(backend), group)
        kept = sum(array.size for array in map(to_numpy, sharded.optimizer.state.values()))
        whole = sharded.state
        sharded.state = whole
        again = sharded.state
        assert all(to_numpy(again[name]).tobytes() == to_numpy(value).tobytes() for name, value in whole.items())
        return network, own, whole, kept

    found = on_ranks(3, backend, run)
    check_alike([one[:2] for one in found], alone, losses, 1e-9)
    state = optimizer.state
    for _, _, whole, _ in found:
        assert whole.keys() == state.keys()
        for name, value in state.items():
            np.testing.assert_allclose(to_numpy(whole[name]), to_numpy(value), rtol=1e-9, atol=1e-12)
    everything = sum(to_numpy(array).size for array in state.values())
    assert max(kept for *_, kept in found) < 0.4 * everything  # a third, and what fills up slices


@pytest.mark.parametrize(("stage", "slots"), [(1, 2), (2, 3)])
def test_what_a_rank_holds_falls_with_their_number(stage, slots):
    """Both moments of AdamW; by the second stage the gradients too, those on the layers included."""
    backend = xn.backend.make_backend("numpy", dtype="float64")

    def run(group):
        network = small()
        sharded = group.sharded(AdamW(0.02), network, stage)
        grads = group.gradient(network, X[group.rows(23)], T[group.rows(23)])
        sharded.update(network.params, grads)
        places = [network.params.place(name) for name in network.params]
        on_layers = [getattr(layer, f"d{attribute}", None) for layer, attribute in places]
        state = sharded.optimizer.state.values()
        held = [*state, *([*grads.values(), *on_layers] if stage == 2 else [])]
        return sum(array.nbytes for array in held if isinstance(array, np.ndarray))

    whole = slots * sum(8 * W.size for W in small().params.values())
    for size in (1, 2, 5):
        filled_up = 64 * size  # slices are of one length
        assert max(on_ranks(size, backend, run)) <= whole / size + slots * filled_up


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


def test_sliced_gradients_have_the_length_of_all():
    backend = xn.backend.make_backend("numpy", dtype="float64")
    x, t, _ = arrays_on(backend)
    with xn.use_backend(backend):
        expected = float(global_norm(small(noise=0.0).gradient(x, t)))

    def run(group):
        network = small(noise=0.0)
        group.sharded(SGD(0.1), network, stage=2)
        grads = group.gradient(network, x[group.rows(23)], t[group.rows(23)])
        huge = {name: 1e200 * dW for name, dW in grads.items()}
        scaled = type(grads)(huge, None, grads.across)
        return float(global_norm(grads)), float(global_norm(scaled)) / 1e200

    for plain, large in on_ranks(3, backend, run):
        assert plain == pytest.approx(expected, rel=1e-12)
        assert large == pytest.approx(expected, rel=1e-12)


def test_frozen_layers_send_nothing_and_stay():
    backend = xn.backend.make_backend("numpy", dtype="float64")

    def run(group):
        network = small()
        network.freeze("Affine1")
        optimizer = group.sharded(AdamW(0.1, groups={"Affine1.*": {"lr": 1.0}}), network)
        before = network.params["Affine1.W"].copy()
        grads = group.gradient(network, X, T)
        optimizer.update(network.params, grads)
        return sorted(set(network.params) - set(grads)), (network.params["Affine1.W"] == before).all()

    assert on_ranks(2, backend, run) == [(["Affine1.W", "Affine1.b"], True)] * 2


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


def test_gradients_with_a_loss_scale_are_not_held():
    backend = xn.backend.make_backend("numpy", dtype="float32")

    def run(group):
        network = small().compute_in("float16")
        group.gradient(network, *arrays_on(backend)[:2], last=False)

    with pytest.raises(ArgumentError, match="gradients with a loss scale must not be stored"):
        on_ranks(2, backend, run)


def test_slices_of_the_second_stage_need_plain_gradients():
    backend = xn.backend.make_backend("numpy", dtype="float64")
    with pytest.raises(ArgumentError, match="choose stage=1"):
        on_ranks(1, backend, lambda group: group.sharded(SGD(0.1), NETWORKS["penalized"](), stage=2))


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


@given(st.integers(1, 200), st.integers(1, 9))
def test_shares_are_all_rows_in_order(n, size):
    shares = [share_of(n, rank, size) for rank in range(size)]
    assert [row for first, count in shares for row in range(first, first + count)] == list(range(n))
    counts = [count for _, count in shares]
    assert max(counts) - min(counts) <= 1
