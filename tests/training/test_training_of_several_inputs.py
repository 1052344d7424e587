"""A Trainer on a tuple of inputs: every batch, measurement and rank has the same rows of all of them."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import array_namespace, to_numpy
from xpnet.datasets import Batches, Stream, load_array
from xpnet.datasets.row_files import as_rows
from xpnet.errors import ArgumentError, DataError, DivergenceError, ShapeError
from xpnet.layers import GRU, LSTM, Affine, Embedding, Layer, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD, Adam
from xpnet.random import Generator
from xpnet.training import Run, Trainer
from xpnet.training.evaluation import evaluate

ROWS, STEPS = 10, 4
LENGTHS = np.asarray([4, 1, 2, 3, 4, 2, 1, 4, 3, 2])
X = np.where(np.arange(STEPS) < LENGTHS[:, None], Generator(0).integers(4, (ROWS, STEPS), "x") + 1, 0)
T = np.any(X == 2, axis=1).astype(int)


def network() -> Sequential:
    rng = Generator(0)
    last = LSTM.create(2, 3, return_sequences=False, rng=rng)
    layers = Embedding.create(5, 2, init=1.0, rng=rng), last, Affine.create(3, 2, rng=rng)
    return Sequential(*layers, loss=SoftmaxWithLoss())


def trained(train, validation=None, epochs: int = 2, optimizer=None, **options) -> Trainer:
    options = {"batch_size": 4, "rng": Generator(1), **options}
    trainer = Trainer(network(), optimizer or SGD(0.5), train, validation, **options)
    trainer.fit(epochs)
    return trainer


def agree(found: Trainer, expected: Trainer, tolerance: float = 1e-6) -> None:
    for name, W in expected.network.params.items():
        np.testing.assert_allclose(to_numpy(found.network.params[name]), to_numpy(W), rtol=tolerance, atol=tolerance)
    for own, one in zip(found.history, expected.history, strict=True):
        assert (own.train_accuracy, own.test_accuracy) == (one.train_accuracy, one.test_accuracy)
        assert (own.loss, own.test_loss or 0.0) == pytest.approx((one.loss, one.test_loss or 0.0), rel=tolerance)


@pytest.mark.parametrize("options", [{}, {"shuffle": False, "drop_last": True, "accumulate": 2}], ids=["plain", "more"])
def test_each_batch_has_the_same_rows_of_all_inputs(options, backend, tolerance):
    """Arrays of NumPy, for any network; a row of padding alone must not reach the weights."""
    found = trained(((X, LENGTHS), T), ((X, LENGTHS), T), **options)
    net, optimizer, sums = network(), SGD(0.5), []
    for epoch in (1, 2):
        batches = Batches((X, LENGTHS), T, 4, None if options else Generator(1), bool(options)).epoch(epoch)
        for x, t in batches:
            np.testing.assert_array_equal(np.sum(x[0] > 0, axis=1), x[1])
            sums.append(net.gradient(tuple(map(backend.asarray, x)), backend.asarray(t)))
            if not options or len(sums) == 2:
                optimizer.update(net.params, {name: sum(g[name] for g in sums) / len(sums) for name in net.params})
                sums = []
    for name, W in net.params.items():
        np.testing.assert_allclose(
            to_numpy(found.network.params[name]), to_numpy(W), rtol=10 * tolerance, atol=10 * tolerance
        )
    x, t = tuple(map(backend.asarray, (X, LENGTHS))), backend.asarray(T)
    assert found.history[-1].test_accuracy == found.network.accuracy(x, t)
    assert found.history[-1].test_loss == pytest.approx(float(net.loss(x, t, predict=True)), rel=1e-4)
    assert found.predict((X[:3], LENGTHS[:3])).shape == (3, 2)
    assert array_namespace(found.train[0][1]) is backend.xp


def test_masks_stay_masks_and_a_share_is_held_out_of_all(backend):
    mask = np.arange(STEPS) < LENGTHS[:, None]
    by_mask, by_length = (trained(((X, other), T), 0.3, class_weight="balanced") for other in (mask, LENGTHS))
    assert by_mask.train[0][1].dtype == backend.xp.bool
    agree(by_mask, by_length)


def test_a_captured_step_and_copies_ahead_take_several_inputs(cupy, tmp_path):
    expected = trained(((X, LENGTHS), T), optimizer=Adam(0.05), epochs=4)
    agree(trained(((X, LENGTHS), T), optimizer=Adam(0.05), epochs=4, capture=True), expected, 0.0)
    np.save(tmp_path / "x.npy", X)
    agree(trained(((load_array(tmp_path / "x.npy"), LENGTHS), T), optimizer=Adam(0.05), epochs=4), expected, 0.0)


def test_rows_on_disk_are_read_beside_arrays(tmp_path):
    np.save(tmp_path / "x.npy", X)
    on_disk = load_array(tmp_path / "x.npy"), np.load(tmp_path / "x.npy", mmap_mode="r"), X
    for x in on_disk:
        agree(trained(((x, LENGTHS), T), ((x, LENGTHS), T)), trained(((X, LENGTHS), T), ((X, LENGTHS), T)))


FORMS = {
    "tuples": lambda x, lengths, t: ((x, lengths), t),
    "lists, as a loader of torch has them": lambda x, lengths, t: [[x, lengths], t],
    "weighted": lambda x, lengths, t: ((x, lengths), t, np.ones(len(t))),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_yields_them(form, backend):
    def batches():
        for i in range(0, ROWS, 4):
            yield FORMS[form](X[i : i + 4], LENGTHS[i : i + 4], T[i : i + 4])

    last = X[8:], LENGTHS[8:]  # a list of two arrays of two rows is what its first batch was
    assert len(last) == len(last[0])
    expected = trained(((X, LENGTHS), T), ((X, LENGTHS), T), shuffle=False)
    found = trained(Stream(batches), batches, batch_size=100)
    for own, one in zip(found.history, expected.history, strict=True):
        assert (own.loss, own.test_loss) == (pytest.approx(one.loss, rel=1e-5), pytest.approx(one.test_loss, rel=1e-5))


def test_a_loader_of_torch(tmp_path):
    data = pytest.importorskip("torch.utils.data")
    rows = [((x, length), t) for x, length, t in zip(X, LENGTHS, T, strict=True)]
    loader = data.DataLoader(rows, batch_size=4)
    agree_on = trained(((X, LENGTHS), T), shuffle=False)
    assert trained(loader, batch_size=100).history[-1].loss == pytest.approx(agree_on.history[-1].loss, rel=1e-5)


def test_a_training_goes_on_and_its_run_answers_and_is_measured(tmp_path):
    data = ((X, LENGTHS), T)
    expected = trained(data, data, epochs=4)
    first = Trainer(network(), SGD(0.5), data, data, 4, Generator(1))
    first.fit(2, folder=tmp_path / "run")
    again = Trainer(network(), SGD(0.5), data, data, 4, Generator(1))
    again.fit(4, folder=tmp_path / "run", resume=True)
    agree(again, expected, 0.0)
    run = Run(tmp_path / "run")
    np.testing.assert_array_equal(run.predict((X, LENGTHS)), run.network.predict((X, LENGTHS)))
    assert run.predict_proba((X, LENGTHS)).shape == (ROWS, 2)
    assert run.encoding.row == ((STEPS,), ())
    with pytest.raises(DataError, match="rows must be for a network of one input, got one of 2; load the run in"):
        as_rows(X.tolist(), run.encoding.row, "rows")
    told = evaluate(run, (X, LENGTHS), T)
    assert told["rows"] == ROWS
    assert told["loss"] == pytest.approx(float(run.network.loss((X, LENGTHS), T, predict=True)))


WRONG = {
    "fewer lengths": (((X, LENGTHS[:5]), T), "x and t must have the same number of rows, got 5 and 10 rows"),
    "fewer targets": (((X, LENGTHS), T[:4]), "x and t must have the same number of rows, got 10 and 4 rows"),
    "fewer rows in a batch": ([((X[:4], LENGTHS[:3]), T[:4])], r"got shapes \(4, 4\) and \(3,\) and \(4,\)"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_inputs_of_different_lengths_are_refused(wrong):
    train, text = WRONG[wrong]
    with pytest.raises(ShapeError, match=text):
        Trainer(network(), SGD(), train)


def test_a_length_above_the_steps_is_refused_before_training():
    with pytest.raises(ArgumentError, match="lengths must be from 0 to 4, the steps of x, got 5"):
        Trainer(network(), SGD(), ((X, LENGTHS + 1), T), batch_size=1)


class Log(Layer):
    """``y = log x``, which is not finite below 0."""

    def forward(self, x):
        self.x = x
        return array_namespace(x).log(x)

    def backward(self, dout):
        return dout / self.x


def test_the_layer_and_row_of_a_loss_that_is_not_finite_are_named_beyond_a_layer_with_a_mask():
    of_sign = GRU(np.asarray([[0.0, 0.0, 20.0]]), np.zeros((1, 3)), return_sequences=False)
    x, lengths = np.ones((6, 3, 1)), np.asarray([3, 3, 2, 1, 3, 3])
    x[3, 0] = -1.0
    net = Sequential(of_sign, Log(), Affine(np.ones((1, 2))), loss=SoftmaxWithLoss())
    trainer = Trainer(net, SGD(0.1), ((x, lengths), np.zeros(6, int)), shuffle=False)
    with (
        pytest.raises(DivergenceError, match=r"first in the output of Log1 \(Log\), in row 3"),
        np.errstate(all="ignore"),
    ):
        trainer.fit(1)
    x[4] = np.nan
    with pytest.raises(ArgumentError, match="x must be finite, got NaN or infinity in row 4"):
        Trainer(net, SGD(0.1), ((x, lengths), np.zeros(6, int)))


def test_batches_of_several_go_to_a_device_ahead(backend):
    batches = backend.ahead(Batches((X, None, LENGTHS), T, 4).epoch(0))
    (x, none, lengths), t = next(iter(batches))
    assert none is None
    for found, expected in ((x, X), (lengths, LENGTHS), (t, T)):
        np.testing.assert_array_equal(to_numpy(found), expected[:4])
        assert array_namespace(found) is backend.xp


def test_weights_of_classes_are_floating_beside_whole_numbers():
    found = trained((X, T), class_weight={0: 2.0, 1: 0.5})
    assert found.train[2].dtype == xn.get_backend().dtype
