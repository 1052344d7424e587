"""Bodies of normalizations, attention and embeddings, and of the block that is made of them, on values that matter."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import make_backend, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.fast.numpy import threads
from xpnet.layers import (
    LSTM,
    BatchNormalization,
    Dropout,
    Embedding,
    GroupNormalization,
    LayerNormalization,
    Linear,
    MultiHeadAttention,
    PositionalEmbedding,
    Relu,
    RMSNormalization,
    SoftmaxWithLoss,
    TransformerBlock,
)
from xpnet.layers.bodies import BODIES, libraries_for, plain
from xpnet.layers.stage import InferenceStage, Stage
from xpnet.networks import Sequential
from xpnet.random import Generator


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def on_numpy(*row):
    """The bodies for NumPy's arrays of layers in a row."""
    return [BODIES[name][row] for name in libraries_for(np.ndarray) if row in BODIES.get(name, {})]


def attention(heads: int = 2, causal: bool = False) -> MultiHeadAttention:
    return MultiHeadAttention.create(4, heads, causal=causal, init=1.0, rng=Generator(0)).astype("float64")


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e200])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_of_values_that_are_not_finite(value, masked, causal, rng):
    layer, x = attention(causal=causal), rng.normal(size=(2, 3, 4))
    x[0, 1, 2] = value
    mask = np.asarray([[True, False, True], [False, False, False]]) if masked else None
    with np.errstate(all="ignore"):
        y = layer.forward(x, mask)
        for kind in on_numpy(MultiHeadAttention):
            np.testing.assert_allclose(Stage((layer,), kind)(x, mask), y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
def test_long_attention_whose_scores_are_far_below_their_bound(causal, rng):
    """The queries are long and turned away from all keys but themselves, so that exponentials would vanish."""
    x = np.zeros((1, 140, 4))
    x[0, :, :2] = rng.normal(size=(140, 2))
    x[0, 70:] *= 300.0
    layer = attention(causal=causal)
    layer.Wk = -np.abs(layer.Wk)
    mask = rng.random((1, 140)) < 0.7
    mask[0, :3] = False  # where it is causal, the first rows see nothing
    for given in (None, mask):
        y = layer.forward(x, given)
        dx, gradients = layer.backward(1.0), dict(layer.grads)
        for kind in on_numpy(MultiHeadAttention):
            stage = Stage((layer,), kind)
            np.testing.assert_allclose(stage(x, given), y, rtol=1e-9, atol=1e-9)
            assert stage.given is not None
            np.testing.assert_allclose(stage.backward(np.ones_like(y)), dx, rtol=1e-7, atol=1e-7)
            largest = max(np.max(np.abs(gradient)) for gradient in gradients.values())
            for name, gradient in gradients.items():
                np.testing.assert_allclose(layer.grads[name], gradient, rtol=1e-7, atol=1e-9 * largest)


def test_memory_of_long_attention_grows_with_its_length_and_not_with_its_square(rng, monkeypatch):
    monkeypatch.setattr(threads, "blas", list)  # one thread: how many blocks exist at once depends on them
    peaks = []
    for length in (1024, 2048):
        x = rng.random((1, length, 4), dtype="float32")
        layer = attention(causal=True).astype("float32")
        stage = Stage((layer,), on_numpy(MultiHeadAttention)[0])
        stage(x)
        tracemalloc.start()
        stage.backward(stage(x))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.5 * peaks[0]
    assert peaks[1] < 2048 * 2048 * 4 // 4


def test_work_is_shared_over_the_threads_of_blas_and_its_error_comes_through(monkeypatch):
    controller, seen = SimpleNamespace(num_threads=2, filepath="numpy"), []
    controller.set_num_threads = lambda count: seen.append(count)
    monkeypatch.setattr(threads, "blas", lambda: [controller])
    done: list[int] = []
    threads.shared(done.append, range(20))
    assert sorted(done) == list(range(20))
    assert seen == [1, 2]

    def fails(part: int) -> None:
        raise ValueError(part)

    with pytest.raises(ValueError, match=r"[01]"):
        threads.shared(fails, range(2))
    assert seen == [1, 2, 1, 2]


@pytest.mark.parametrize("bad", ["numbers as a mask", "another mask", "no positions", "another width"])
def test_attention_names_what_is_wrong(bad):
    x, mask = np.ones((2, 3, 4)), np.ones((2, 3), dtype=bool)
    given = {
        "numbers as a mask": (x, mask.astype(int)),
        "another mask": (x, mask[:, :2]),
        "no positions": (x[:, :0], mask[:, :0]),
        "another width": (x[..., :3], mask),
    }[bad]
    layer = attention()
    with pytest.raises((ShapeError, DtypeError)) as expected:
        layer.copy().forward(*given)
    for kind in on_numpy(MultiHeadAttention):
        with pytest.raises(type(expected.value)) as raised:
            Stage((layer,), kind)(*given)
        assert str(raised.value) == str(expected.value)


def test_the_gradients_of_a_normalization_keep_their_digits_over_many_rows(rng):
    x, dout = rng.random((200_000, 2), "float32"), rng.random((200_000, 2), "float32")
    layer = LayerNormalization(np.ones(2, "float32"), np.zeros(2, "float32"))
    xhat = LayerNormalization(np.ones(2), np.zeros(2)).forward(x.astype("float64"))
    for kind in on_numpy(LayerNormalization):
        stage = Stage((layer,), kind)
        stage(x)
        stage.backward(dout)
        np.testing.assert_allclose(layer.dbeta, np.sum(dout, axis=0, dtype=np.float64), rtol=5e-5)
        np.testing.assert_allclose(layer.dgamma, np.sum(dout * xhat, axis=0), rtol=5e-5, atol=0.05)


@pytest.mark.parametrize(
    "make", [LayerNormalization, lambda *arrays: BatchNormalization(*arrays)], ids=["rows", "batch"]
)
def test_one_value_of_gamma_is_not_stretched(make):
    layer = make(np.ones(1), np.zeros(1))
    x = xn.Variable(np.ones((4, 3)))  # for whose node a body runs without a look at the shapes before
    with pytest.raises(ShapeError, match=r"x must be \((\.\.\.|N), 1"):
        layer(x)


@pytest.mark.parametrize("integer", ["int8", "uint8", "int64", ">i4"])
def test_a_table_takes_every_kind_of_integers_and_refuses_what_it_has_no_row_for(integer, rng):
    layer, x = Embedding(rng.normal(size=(5, 3))), np.asarray([[0, 4, 1], [2, 3, 4]]).astype(integer)
    for kind in on_numpy(Embedding):
        stage = Stage((layer,), kind)
        np.testing.assert_array_equal(stage(x), layer.W[x])
        assert stage.given is not None
        for wrong in [5, -1][: 1 + (np.dtype(integer).kind == "i")]:
            x[1, 0] = wrong
            with pytest.raises(ArgumentError, match=f"indices must be from 0 to 4, got {wrong}"):
                stage(x)
    with pytest.raises(DtypeError, match="x must be integer indices"):
        stage(np.ones((2, 2)))


@pytest.mark.parametrize("kind", [Dropout, LSTM])
def test_equations_that_run_again_begin_from_the_same_state(kind, rng):
    """A dout that a body does not take lets the equations run once more: with the same mask, from the same states."""
    x = rng.standard_normal((3, 4, 2)).astype("float32")
    layer = Dropout(0.5) if kind is Dropout else LSTM.create(2, 2, stateful=True).astype("float32")
    other = layer.copy()
    other.lasting_state = dict(layer.lasting_state)
    stage = Stage((layer,), BODIES["numpy"][(kind,)])
    for _ in range(2):
        y, expected = stage(x), other.forward(x)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
    state = dict(layer.lasting_state)
    dout = rng.standard_normal(y.shape)
    np.testing.assert_allclose(stage.backward(dout), other.backward(dout), rtol=1e-5, atol=1e-6)
    assert all(layer.lasting_state[name] is value for name, value in state.items())


def test_frozen_running_statistics_stay(asarray, backend, rng):
    layer = BatchNormalization(asarray(np.ones(3)), asarray(np.zeros(3)), 0.9, asarray(np.ones(3)), asarray(np.ones(3)))
    net = Sequential(layer, Linear.create(3, 2, rng=Generator(0)), loss=SoftmaxWithLoss()).freeze()
    before = dict(net.states)
    x, t = asarray(rng.normal(size=(4, 3))), asarray(np.asarray([0, 1, 1, 0]))
    net.gradient(x, t)
    assert all(net.states[name] is value for name, value in before.items())


@pytest.fixture
def few_blocks(cupy, monkeypatch):
    """Each block has more to do than one row; what a kernel leaves unwritten means nothing."""
    from xpnet.fast.cupy import launch

    def unwritten(make):
        def made(*args, **named):
            array = make(*args, **named)
            array.fill(77)
            return array

        return made

    monkeypatch.setattr(launch, "MOST_BLOCKS", 2)
    for name in ("empty", "empty_like"):
        monkeypatch.setattr(cupy, name, unwritten(getattr(cupy, name)))
    return cupy


CUDA = {
    "LayerNormalization": lambda: (LayerNormalization.create(5), (7, 5)),
    "RMSNormalization": lambda: (RMSNormalization.create(5), (7, 5)),
    "GroupNormalization": lambda: (GroupNormalization.create(6, groups=2), (5, 6, 3)),
    "BatchNormalization": lambda: (BatchNormalization.create(35), (5, 35, 2)),
    "MultiHeadAttention": lambda: (MultiHeadAttention.create(4, 2, causal=True, init=1.0, rng=Generator(0)), (3, 5, 4)),
}


@pytest.mark.parametrize("name", CUDA)
def test_a_block_of_threads_takes_several_rows(few_blocks, name, rng):
    layer, shape = CUDA[name]()
    x, dout = (few_blocks.asarray(rng.normal(size=shape).astype("float32")) for _ in range(2))
    alone = layer.copy()
    alone.lasting_state = dict(layer.lasting_state)
    stage = Stage((layer,), BODIES["cupy"][(type(layer),)])
    found = [stage(x), stage.backward(dout), *layer.grads.values()]
    assert stage.kind is not None
    with plain():
        expected = [alone.forward(x), alone.backward(dout), *alone.grads.values()]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(to_numpy(one), to_numpy(other), rtol=2e-4, atol=2e-5)


def test_a_number_without_a_row_gives_nan_on_a_gpu_and_adds_to_nothing(cupy, monkeypatch):
    monkeypatch.setattr(type(make_backend("cupy").library), "readable", lambda *_: False)
    W, P = cupy.ones((3, 2), "float32"), cupy.ones((4, 2), "float32")
    x = cupy.asarray([[0, -1], [3, 2]])
    for layers in ((Embedding(W),), (Embedding(W), PositionalEmbedding(P))):
        stage = Stage(layers, BODIES["cupy"][tuple(map(type, layers))])
        np.testing.assert_array_equal(np.isnan(to_numpy(stage(x)))[..., 0], [[False, True], [True, False]])
        stage.backward(cupy.ones((2, 2, 2), "float32"))
        np.testing.assert_array_equal(to_numpy(layers[0].dW), [[1, 1], [0, 0], [1, 1]])


# ---------------------------------------------------------------- the block
BLOCKS = {
    "as it is made": lambda rng: TransformerBlock.create(4, 2, causal=True, init=0.5, rng=rng),
    "with dropout": lambda rng: TransformerBlock.create(4, 2, dropout_ratio=0.5, init=0.5, rng=rng),
    "of other layers": lambda rng: TransformerBlock(
        [RMSNormalization.create(4), MultiHeadAttention.create(4, 2, init=0.5, rng=rng), Relu()],
        [Dropout(0.3, rng), Linear.create(4, 4, rng=rng)],
    ),
    "of one layer each": lambda rng: TransformerBlock(
        [LayerNormalization.create(4)], [MultiHeadAttention.create(4, 1, init=0.5, rng=rng)]
    ),
}


def network(name: str) -> Sequential:
    rng = Generator(0)
    return Sequential(BLOCKS[name](rng), BLOCKS[name](rng), Linear.create(4, 3, rng=rng), loss=SoftmaxWithLoss())


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", BLOCKS)
def test_a_planned_block_gives_what_its_equations_give(cupy, name, dtype, rng):
    tolerance = {"float16": 2e-2, "float32": 2e-5, "float64": 1e-12}[dtype]
    with xn.use_backend("cupy", dtype=dtype) as backend:
        x, t = backend.asarray(rng.normal(size=(3, 5, 4))), backend.asarray(rng.integers(0, 3, (3, 5)))
        planned, written = network(name), network(name)
        assert repr(planned.plan()).count("cupy.transformer.SumsInTheBranches") == 2
        for _ in range(2):
            loss, gradients = planned.loss_and_gradient(x, t)
            with plain():
                expected, exact = written.loss_and_gradient(x, t)
            np.testing.assert_allclose(to_numpy(loss), to_numpy(expected), rtol=tolerance)
            for key, gradient in exact.items():
                assert gradients[key].dtype == gradient.dtype
                atol = tolerance * max(1.0, float(abs(gradient).max()))
                np.testing.assert_allclose(
                    to_numpy(gradients[key]), to_numpy(gradient), rtol=tolerance, atol=atol, err_msg=key
                )
            with plain():
                scores = written.predict(x)
            np.testing.assert_allclose(to_numpy(planned.predict(x)), to_numpy(scores), rtol=tolerance, atol=tolerance)


def test_a_block_whose_forward_somebody_replaced_runs_that(cupy):
    net = network("as it is made")
    x, t = cupy.ones((2, 3, 4), "float32"), cupy.zeros((2, 3), "int64")
    first = net.loss_and_gradient(x, t)[0]
    block = net.layers["TransformerBlock1"]
    block.forward = lambda x, mask=None: type(block).forward(block, 2.0 * x, mask)
    assert repr(net.plan()).count("SumsInTheBranches") == 1
    assert float(net.loss(x, t)) != float(first)


def test_what_goes_around_is_added_where_the_body_cannot_take_it(cupy, rng):
    """A body that did not run, and one for arrays that are not like its result, leave the sum to the stage."""
    layer = MultiHeadAttention.create(4, 2, rng=Generator(0))
    x = cupy.asarray(rng.normal(size=(2, 3, 4)).astype("float32"))
    wide = x.astype("float64")
    stage = Stage((layer,), BODIES["cupy"][(MultiHeadAttention,)])
    y = to_numpy(layer.forward(x))
    for around, given in ((x, x), (wide, x), (x[:1], x), (wide, wide)):
        for run in (stage, InferenceStage(stage)):
            found = run.onto(around, given, None)
            np.testing.assert_allclose(to_numpy(found), y + to_numpy(around), rtol=1e-5, atol=1e-5)
    assert stage.body.around is None
