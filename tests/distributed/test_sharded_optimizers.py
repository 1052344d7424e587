"""An optimizer whose state, and in the second stage its gradients, are held in slices by the ranks."""

import numpy as np
import pytest
from ranks_in_threads import on_ranks
from small_replicas import NETWORKS, T, X, arrays_on, check_alike, small, trained

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError
from xpnet.optimizers import SGD, AdamW, global_norm


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


def test_slices_of_the_second_stage_need_plain_gradients():
    backend = xn.backend.make_backend("numpy", dtype="float64")
    with pytest.raises(ArgumentError, match="choose stage=1"):
        on_ranks(1, backend, lambda group: group.sharded(SGD(0.1), NETWORKS["penalized"](), stage=2))
