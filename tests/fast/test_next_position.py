"""The Transformer's block that goes on from positions it has kept gives what its equations give for all of them."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.layers import DecoderBlock, Gelu, LayerNormalization, Linear, MultiHeadAttention, TransformerBlock
from xpnet.layers.bodies import libraries_for, plain
from xpnet.networks import Sequential
from xpnet.networks.generation import with_pasts
from xpnet.networks.plan import Plan
from xpnet.random import Generator

OPTIONS = {
    "with every bias": {"dropout_ratio": 0.5},
    "without": {"bias": False, "kv_heads": 2, "window": 3, "hidden": 5},
    "rotary": {"positions": "rotary", "kv_heads": 1},
    "alibi": {"positions": "alibi", "kv_heads": 2},
}
STEPS = (3, 1, 1, 15, 1, 1)  # beyond the first room for positions; several at once go by the layers' bodies


def made(dtype: str, kind: type = TransformerBlock, **options):
    causal = {"causal": True} if kind is TransformerBlock else {}
    block = kind.create(8, 4, init=0.5, rng=Generator(0), **causal, **options).astype("float64")
    rng = np.random.default_rng(0)
    for name, array in block.params.items():
        block.params[name] = array + 0.1 * rng.normal(size=array.shape)  # biases, γ and β that matter
    return block.astype(dtype)


def going_on(block, library: str):
    """A copy of the block, the function that goes on by bodies, and the numbers of rows that the block's own had."""
    libraries = libraries_for(np.ndarray)
    copy, _ = with_pasts(block)
    plan = Plan(Sequential({"block": copy}), libraries[libraries.index(library) :])
    stage = plan.inference.layers["block"]
    body = stage.forward.__self__
    rows, run = [], body.attended
    body.attended = lambda x, own: rows.append(len(x)) or run(x, own)
    return copy, stage, rows


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("library", libraries_for(np.ndarray))
@pytest.mark.parametrize("name", OPTIONS)
def test_one_position_after_another_gives_what_the_whole_gives(name, library, dtype):
    block = made(dtype, **OPTIONS[name])
    x = np.random.default_rng(1).normal(size=(2, sum(STEPS), 8)).astype(dtype)
    with plain():
        whole = block.inferring()(x)
    _, run, rows = going_on(block, library)
    at, tolerance = 0, {"float32": 1e-5, "float64": 1e-12}[dtype]
    for step in STEPS:
        y = run(x[:, at : at + step])
        assert y.dtype == dtype
        np.testing.assert_allclose(y, whole[:, at : at + step], rtol=tolerance, atol=tolerance)
        at += step
    assert rows == [2, 2, 2, 2]


@pytest.mark.parametrize("library", libraries_for(np.ndarray))
def test_scores_whose_exponentials_would_overflow_are_taken_less_their_maximum(library):
    block = made("float64")
    block.params["Attention1.Wq"] = 1e4 * block.params["Attention1.Wq"]
    x = np.random.default_rng(1).normal(size=(1, 3, 8))
    with plain():
        whole = block.inferring()(x)
    _, run, rows = going_on(block, library)
    found = np.concatenate([run(x[:, :2]), run(x[:, 2:])], axis=1)
    np.testing.assert_allclose(found, whole, rtol=1e-9, atol=1e-9)
    assert rows == [1]


@pytest.mark.parametrize("library", libraries_for(np.ndarray))
def test_a_block_with_a_memory_goes_on_as_well(library):
    block, rng = made("float64", DecoderBlock, dropout_ratio=0.5, kv_heads=2), np.random.default_rng(1)
    x, memory, known = (
        rng.normal(size=(2, 5, 8)),
        rng.normal(size=(2, 3, 8)),
        np.asarray([[True] * 3, [True, True, False]]),
    )
    with plain():
        whole = block.inferring()(x, memory, None, known)
    _, run, rows = going_on(block, library)
    for part in (slice(0, 3), slice(3, 4), slice(4, 5)):
        np.testing.assert_allclose(run(x[:, part], memory, None, known), whole[:, part], rtol=1e-12, atol=1e-12)
    assert rows == [2, 2]


@pytest.mark.parametrize("library", libraries_for(np.ndarray))
def test_arrays_that_are_replaced_between_two_positions_count(library):
    block, x = made("float64"), np.random.default_rng(1).normal(size=(1, 6, 8))
    (copy, run, rows), (written, _) = going_on(block, library), with_pasts(block)

    def compare(part: slice) -> None:
        with plain():
            expected = written(x[:, part])
        np.testing.assert_allclose(run(x[:, part]), expected, rtol=1e-6, atol=1e-6)

    compare(slice(0, 2))
    for at, name in enumerate(("Linear2.W", "Attention1.Wv", "LayerNormalization2.gamma"), 2):
        compare(slice(at, at + 1))
        for one in (copy, written):
            one.params[name] = 2.0 * one.params[name]
    compare(slice(5, 6))
    assert rows == [1, 1, 1, 1]
    copy.params["Linear1.b"] = copy.params["Linear1.b"].astype("float32")  # one dtype no longer: the layers run
    run(x[:, :1])
    assert len(rows) == 4


def test_only_the_block_as_it_is_made_runs_by_rows():
    def layers(approximate: str = "tanh") -> list:
        norms, rng = [LayerNormalization.create(4) for _ in range(2)], Generator(0)
        linear = [Linear.create(4, 4, rng=rng) for _ in range(2)]
        attention = MultiHeadAttention.create(4, 2, causal=True, rng=rng)
        return [norms[0], attention, norms[1], linear[0], Gelu(approximate), linear[1]]

    def runs(cut: int, **options: str) -> bool:
        row = layers(**options)
        return "PositionAfterPosition" in repr(Sequential(TransformerBlock(row[:cut], row[cut:])).plan())

    assert runs(2)
    assert not runs(3)
    assert not runs(2, approximate="none")
    block, x = made("float64"), np.ones((1, 3, 8))
    block.layers["Linear2"].forward = lambda x: 2.0 * x[..., :8]
    for library in libraries_for(np.ndarray):
        _, run, rows = going_on(block, library)
        run(x[:, :2])
        np.testing.assert_allclose(run(x[:, 2:]), block.inferring()(x)[:, 2:], rtol=1e-12)
        assert not rows
