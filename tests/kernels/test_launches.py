"""What a training step asks of a GPU stays within budgets: launches, bytes, waits, memory that no pool has."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import xpnet as xn
from benchmarks.race.workloads import WORKLOADS
from xpnet.layers import GRU, LSTM, RNN, MultiHeadAttention
from xpnet.layers.bodies import BODIES, body_for, libraries_for
from xpnet.layers.stage import Stage
from xpnet.networks import TransformerLM
from xpnet.random import Generator

pretend_cuda = pytest.importorskip("pretend_cuda")
from benchmarks import launches  # noqa: E402  (which needs pretend_cuda)
from benchmarks.fewest import fewest  # noqa: E402

pytestmark = pytest.mark.journey
BLOCK, BESIDES = 70, 30
BUDGETS = {"W1": 14, "W2": 20, "W3": 20, "W4": 28, "W5": 2 * BLOCK + BESIDES}
SMALLER = {"W3": {"sizes": (784, 256, 256, 10)}, "W5": {"layers": 2, "batch": 8}}
MOST_BYTES = 1.25


def workload(name, **changed):
    return replace(WORKLOADS[name], **SMALLER.get(name, {}) | changed)


@pytest.fixture(autouse=True)
def pretended(cupy):
    if not pretend_cuda.installed():
        pytest.skip("CuPy computes on a device of its own")
    if os.environ.get("PRETEND_CUDA_LAZY"):
        pytest.skip("lazy streams do their work later, outside of the trace")


@pytest.mark.parametrize("name", BUDGETS)
def test_a_step_keeps_to_its_budgets(name):
    found = launches.counted(workload(name))
    assert found.launches <= BUDGETS[name]
    assert found.waits == 0
    assert found.allocations == 0
    assert found.moved <= MOST_BYTES * fewest(workload(name))


def test_a_block_more_costs_no_more_than_its_budget():
    one, two = (launches.counted(workload("W5", layers=n, sizes=(12, 8, 16), batch=2)).launches for n in (1, 2))
    assert two - one <= BLOCK
    assert one - (two - one) <= BESIDES


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
@pytest.mark.parametrize(("padded", "ratio"), [(False, 0.0), (True, 0.0), (True, 0.5)])
def test_a_step_of_a_recurrent_layer_is_one_launch_and_one_product_each_way(cupy, kind, padded, ratio):
    """Six launches forward and eight backward are the budget besides products; dropout is a launch more."""

    def counts(steps: int) -> list[Counter]:
        layer = kind.create(2, 3, recurrent_dropout=ratio)
        stage = Stage((layer,), body_for((layer,), libraries_for(cupy.ndarray)))
        mask = cupy.asarray([steps, 1]) if padded else None
        x = cupy.ones((2, steps, 2), "float32")
        with pretend_cuda.trace() as forward:
            y = stage(x, mask)
        with pretend_cuda.trace() as backward:
            stage.backward(y)
        return [Counter(event.kind for event in events) for events in (forward, backward)]

    with xn.use_backend("cupy"):
        for fewer, more in zip(counts(2), counts(5), strict=True):
            for done in launches.DONE_BY:
                assert more[done] - fewer[done] == {"launch": 6 if ratio else 3, "product": 3}.get(done, 0)
            assert more["wait"] == 0
            assert fewer["launch"] + fewer["copy"] + fewer["fill"] <= BESIDES


@pytest.mark.parametrize("name", ["W1", "W5"])
def test_a_captured_step_waits_for_nothing_and_allocates_nothing(cupy, name):
    from benchmarks.race.peers.xpnet import Captured

    changed = {"sizes": (12, 8, 16), "batch": 2} if name == "W5" else {}
    contender = Captured(launches.job_of(workload(name, **changed)))
    *before, after = contender.batches
    for x, t in before:
        contender.step(x, t)
    with pretend_cuda.trace() as events:
        contender.step(*after)
    kinds = Counter(event.kind for event in events)
    assert kinds["graph"] == 1
    assert kinds["wait"] == kinds["allocation"] == 0
    around = 5  # two inputs are copied, an output twice, and the numbers of the step are written
    assert sum(kinds[kind] for kind in launches.DONE_BY) <= BUDGETS[name] + around


OF_A_TOKEN = 25


@pytest.mark.parametrize("options", [{}, {"positions": "rotary", "kv_heads": 1, "window": 3, "bias": False}], ids=str)
def test_a_token_that_follows_keeps_to_its_budget_for_each_layer(options, cupy):
    counts = []
    for layers in (1, 2):
        net = TransformerLM(7, 32, 8, 2, layers, rng=Generator(0), **options)
        going_on, symbols = net._continued(), np.ones((2, 5), dtype=np.int64)
        for length in (3, 4):
            going_on.scores(symbols[:, :length])
        with pretend_cuda.trace() as events:
            going_on.scores(symbols)
        kinds = Counter(event.kind for event in events)
        counts.append(sum(kinds[kind] for kind in launches.DONE_BY))
        assert kinds["wait"] <= 2  # a symbol goes there, its scores come back
    assert counts[1] - counts[0] <= OF_A_TOKEN


def test_attention_makes_no_array_of_all_pairs_of_positions(cupy, monkeypatch):
    from xpnet.fast.cupy import attention

    monkeypatch.setattr(attention, "SCORES", 1 << 14)
    N, L, heads = 1, 256, 2
    layer = MultiHeadAttention.create(4, heads, causal=True, rng=Generator(0))
    stage = Stage((layer,), BODIES["cupy"][(MultiHeadAttention,)])

    class Largest(cupy.cuda.MemoryHook):
        name = "largest"
        size = 0

        def malloc_preprocess(self, **asked):
            self.size = max(self.size, asked["size"])

    x = cupy.ones((N, L, 4), "float32")
    with Largest() as hook:
        stage.backward(stage(x))
    assert stage.given is None  # the body has run, and dropped its cache
    assert hook.size <= N * heads * L * L * 4 // 8


def test_the_bits_are_the_same_in_every_run(cupy):
    runs = []
    for _ in range(2):
        contender = launches.contender_of(workload("W5", sizes=(12, 8, 16), batch=3))
        losses = [contender.step(x, t) for x, t in contender.batches[:3]]
        runs.append([float(loss).hex() for loss in losses])
        runs[-1] += [xn.backend.to_numpy(W).tobytes() for W in contender.network.params.values()]
    assert runs[0] == runs[1]
